"""Commands that listen, each in a process of its own, and clients by hand."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cli.running import few

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A receiver that listens."""

    url: str
    store: Path
    process: subprocess.Popen[str]
    # What it printed when it began.
    told: str

    def post(
        self, path: str, body: bytes | Any, headers: Mapping[str, str] = JSON, method: str = "POST"
    ) -> Answer:
        """Send it on a connection of its own; what is not bytes goes as JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        with closing(connection):
            connection.request(method, path, sent, dict(headers))
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        return self.post(path, b"", headers, "GET")

    def spans(self) -> list[str]:
        """The names of the spans that are stored, by name."""
        with closing(sqlite3.connect(self.store)) as connection:
            return [name for (name,) in connection.execute("SELECT name FROM span ORDER BY name")]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it by a signal; its exit code and what it said of troubles."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def running(
    store: Path, *words: str, before: Callable[[], None] | None = None, **variables: str
) -> Iterator[Running]:
    """Run a command that listens while the block runs, once it has told its URL.

    ``before`` runs in its process before it begins.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "otelier.cli", *words, "--port", "0"],
        env=few(**{"OTELIER_STORE": str(store), "OTELIER_STORE_KEEP": "off", **variables}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        told, url = "", ""
        while not url:
            line = process.stdout.readline()
            assert line, told + process.stderr.read()
            told += line
            url = next((word for word in line.split() if word.startswith("http://")), "")
        yield Running(url, store, process, told)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def receiving(
    store: Path, *words: str, before: Callable[[], None] | None = None, **variables: str
) -> Iterator[Running]:
    """``otelier receive`` while the block runs."""
    with running(store, "receive", *words, before=before, **variables) as found:
        assert found.process.stdout is not None
        found.told += found.process.stdout.readline()
        yield found


def bringing(*names: str, trace: int = 1, **attributes: str) -> dict[str, Any]:
    """An ExportTraceServiceRequest by hand, with a span for each name."""
    spans = [
        {
            "traceId": f"{trace:032x}",
            "spanId": f"{number:016x}",
            "name": name,
            "kind": 3,
            "startTimeUnixNano": "1795900000000000000",
            "endTimeUnixNano": "1795900001000000000",
            "attributes": [
                {"key": key, "value": {"stringValue": value}} for key, value in attributes.items()
            ],
        }
        for number, name in enumerate(names, 1)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
