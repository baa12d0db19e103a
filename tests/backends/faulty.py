"""What the tests of faults share: a program that sends, what it finished, and what arrived."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.backends.programs import ROOT
from tests.backends.questions import rows
from tests.backends.running import AGENT, CONFIGS, environment
from tests.servers import Json, ProviderServer
from tests.servers.openai_wire import chat_completion, chat_message


class Model(ProviderServer):
    """A provider whose answers have ids of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._lock = threading.Lock()
        self.route("/chat/completions", self._reply)

    def _reply(self, request: Any) -> Any:
        with self._lock:
            self._count += 1
            count = self._count
        self.requests.clear()
        return Json(chat_completion(chat_message(), id=f"chatcmpl-{count}"))


class Sender:
    """A running program of ``tests.backends.sender`` and the ids of the calls that it finished."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.finished: list[str] = []
        self.functions: list[int] = []
        self.slowest = 0.0
        self._errors = errors

    def do(self, command: str, patience: float = 60) -> None:
        """Have it carry a command out, in so many seconds at most."""
        self.tell(command)
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            ready = selector.select(patience)
        assert ready, f"no answer to {command}: {self.said}"
        line = self.process.stdout.readline()
        assert line, self.said
        told = json.loads(line)
        self.finished += told.get("ids", ())
        self.functions += told.get("functions", ())
        self.slowest = max(self.slowest, told.get("slowest", 0.0))

    def tell(self, command: str) -> None:
        """Give it a command whose answer nobody waits for."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def end(self, patience: float = 30) -> int:
        """End it by the end of its input; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(patience)

    @property
    def said(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text()


class Finished(Protocol):
    """What made calls."""

    finished: list[str]


class Arrived(Protocol):
    """Where spans arrive."""

    def spans(self) -> Sequence[Mapping[str, Any]]:
        """What arrived; of each at least its ``attributes``."""


@contextmanager
def sending(cwd: Path, endpoint: str, **env: Any) -> Iterator[Sender]:
    """Run the program under ``opentelemetry-instrument`` against a local provider."""
    errors = cwd / "sender.err"
    settings = {
        "OTEL_SERVICE_NAME": "sender",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "10",
        **env,
    }
    with Model() as model, errors.open("w") as out:
        process = subprocess.Popen(
            [AGENT, sys.executable, "-m", "tests.backends.sender", model.url + "/v1"],
            cwd=ROOT,
            env=environment(**settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        )
        try:
            yield Sender(process, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def arrived(receiver: Arrived) -> set[str]:
    """The ids of the responses whose spans arrived."""
    return {span["attributes"].get("gen_ai.response.id") for span in receiver.spans()}


def promised() -> dict[str, list[str]]:
    """The README's table of faults: sent, arrived, lost."""
    text = (CONFIGS / "README.md").read_text()
    _, *lines = rows(text, "<!-- faults -->", "<!-- end of the faults -->")
    return {name: numbers for name, *numbers in lines}


def as_promised(fault: str, sender: Finished, receiver: Arrived) -> None:
    """What was sent, arrived and was lost is what the README says."""
    sent = set(sender.finished)
    assert len(sent) == len(sender.finished)
    there = arrived(receiver)
    assert there <= sent, "spans of calls that were never finished"
    found = (len(sent), len(there), len(sent - there))
    as_told(fault, *found)


def as_told(fault: str, *found: int) -> None:
    """The numbers are those that the README tells of this fault, which may be limits."""
    print(f"{fault}: {found}")
    for number, told in zip(found, promised()[fault], strict=True):
        limit = int(told.lstrip("≤≥ "))
        kept = {"≤": number <= limit, "≥": number >= limit}.get(told[0], number == limit)
        assert kept, (fault, found)
