"""Each variant in an environment of its own, below ``.cache/bench``, and a worker there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Final

from benchmarks import environments
from benchmarks.peers.others import PEERS

SDKS: Final = ("openai", "anthropic")
CORE: Final = "opentelemetry-sdk"


class Place:
    """An environment with one instrumentation, and a process in it."""

    def __init__(self, variant: str, title: str, packages: tuple[str, ...]) -> None:
        self.variant = variant
        self.title = title
        self.packages = packages
        self.folder = environments.CACHE / "bench" / variant
        self.python = environments.interpreter(self.folder)
        self.problem = ""
        self.versions: dict[str, str] = {}
        self._worker: subprocess.Popen[str] | None = None

    def install(self, uv: str | None) -> None:
        """With the SDKs that this process has; else with the newest that go with it."""
        same = (*self.packages, *(f"{name}=={version(name)}" for name in SDKS))
        self.problem = environments.install(self.folder, same, uv)
        if self.problem:
            self.problem = environments.install(self.folder, (*self.packages, *SDKS), uv)
        if self.problem and not self.packages:
            # Nothing can be installed here; otelier is in this environment too.
            self.python, self.problem = sys.executable, ""

    def begin(self) -> None:
        """Start the worker."""
        pipe = subprocess.PIPE
        self._worker = subprocess.Popen(
            [self.python, "-m", "benchmarks.peers.worker"],
            cwd=environments.ROOT,
            env=plain(),
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.versions = self.ask("versions", names=[*self.packages, *SDKS, CORE])

    def ask(self, question: str, **arguments: Any) -> Any:
        """What the worker answers."""
        worker = self._worker
        assert worker is not None and worker.stdin is not None and worker.stdout is not None
        print(json.dumps([question, arguments]), file=worker.stdin, flush=True)
        line = worker.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.title} ended")
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["found"]

    def end(self) -> None:
        """Stop the worker."""
        if self._worker is not None and self._worker.stdin is not None:
            self._worker.stdin.close()
            self._worker.wait()


def plain() -> dict[str, str]:
    """The environment without anybody's settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "OTELIER_", "TRACELOOP_", "OPENINFERENCE_"))
    }


@contextmanager
def places(only: list[str] | None = None) -> Iterator[list[Place]]:
    """Otelier's place and those of the others, with their workers."""
    uv = environments.installer()
    found = [Place("otelier", "otelier", ())]
    found += [Place(name, peer.title, peer.packages) for name, peer in PEERS.items()]
    found = [each for each in found if not only or each.variant in ("otelier", *only)]
    try:
        for place in found:
            place.install(uv)
            if not place.problem:
                place.begin()
        yield found
    finally:
        for place in found:
            place.end()
