"""What the tests of faults share: a program that sends, what it finished, and what arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.backends.programs import ROOT
from tests.backends.receiver import Receiver
from tests.backends.running import CONFIGS
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
        self.functions: int | None = None
        self._errors = errors

    def do(self, command: str) -> None:
        """Have it carry a command out."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.said
        told = json.loads(line)
        self.finished += told.get("ids", ())
        self.functions = told.get("functions", self.functions)

    def end(self, patience: float = 60) -> int:
        """End it by the end of its input; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(patience)

    @property
    def said(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text()


@contextmanager
def sending(cwd: Path, endpoint: str, instrumented: bool = True, **env: Any) -> Iterator[Sender]:
    """Run the program under ``opentelemetry-instrument`` against a local provider."""
    errors = cwd / "sender.err"
    settings = {
        "OTEL_SERVICE_NAME": "sender",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "10",
        # The library below the exporter asks them before the exporter's own setting.
        "REQUESTS_CA_BUNDLE": "",
        "CURL_CA_BUNDLE": "",
        **env,
    }
    agent = [Path(sys.executable).parent / "opentelemetry-instrument"] if instrumented else []
    with Model() as model, errors.open("w") as out:
        process = subprocess.Popen(
            [*agent, sys.executable, "-m", "tests.backends.sender", model.url + "/v1"],
            cwd=ROOT,
            env={**os.environ, **{name: str(value) for name, value in settings.items()}},
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


def arrived(receiver: Receiver) -> set[str]:
    """The ids of the responses whose spans arrived."""
    return {span["attributes"].get("gen_ai.response.id") for span in receiver.spans()}


def promised() -> dict[str, tuple[int | None, ...]]:
    """The README's table of faults; None for numbers that vary."""
    text = (CONFIGS / "README.md").read_text()
    body = text.partition("<!-- faults -->\n")[2].partition("<!-- end of the faults -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines()[2:]]
    return {
        name: tuple(None if "≈" in number else int(number) for number in numbers)
        for name, *numbers in rows
    }


def as_promised(fault: str, sender: Sender, receiver: Receiver) -> tuple[int, int, int]:
    """Spans sent, arrived and lost, which are what the README says."""
    sent = set(sender.finished)
    assert len(sent) == len(sender.finished)
    there = arrived(receiver)
    assert there <= sent, "spans of calls that were never finished"
    found = (len(sent), len(there), len(sent - there))
    for number, told in zip(found, promised()[fault], strict=True):
        assert told is None or number == told, (fault, found)
    print(f"{fault}: {found}")
    return found
