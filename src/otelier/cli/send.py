"""``otelier send``: a file of OTLP/JSON lines to an OTLP/HTTP endpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from otelier import wire
from otelier.cli import posting
from otelier.cli.amounts import counted
from otelier.cli.posting import JSON, PROTOBUF, Poster, UnreachableError
from otelier.cli.view import lines
from otelier.store.index import Broken
from otelier.store.otlp_json import decode

_UNSUPPORTED: Final = 415


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", help="file of OTLP/JSON lines; - for standard input")
    parser.add_argument("url", help="endpoint, such as http://localhost:4318")
    posting.add_headers(parser)


def run(args: argparse.Namespace) -> int:
    """Send each line as one request; 1 if anything was refused or nothing was there."""
    url = posting.endpoint(args.url)
    if url is None:
        print(f"otelier send: not an http or https URL: {posting.shown(args.url)}", file=sys.stderr)
        return 2
    sender = Sender(url, dict(args.header))
    broken = Broken()
    try:
        for line in lines(args.file):
            try:
                count = sum(1 for _ in decode(line))
            except ValueError:
                broken.lines += 1
                continue
            if count:
                sender.send(line, count)
    except OSError as error:
        print(f"otelier send: {args.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    except UnreachableError as error:
        print(f"otelier send: {posting.shown(url)}: {error}", file=sys.stderr)
        sender.report(args.file)
        return 1
    broken.report("otelier send")
    return sender.report(args.file)


@dataclass(slots=True)
class Sender:
    """Posts lines, in JSON or, where the receiver takes none, in protobuf; and counts."""

    url: str
    headers: Mapping[str, str]
    sent: int = 0
    refused: int = 0
    reason: str = ""
    _protobuf: bool = False
    _poster: Poster = field(init=False)

    def __post_init__(self) -> None:
        self._poster = Poster(self.url, self.headers)

    def send(self, line: bytes, count: int) -> None:
        """Post one line with ``count`` spans. Raises UnreachableError."""
        status, answer = self._post(line)
        if status == _UNSUPPORTED and not self._protobuf:
            self._protobuf = True
            status, answer = self._post(line)
        refused, reason = count, f"HTTP {status}: {answer[:200].decode('utf-8', 'replace')}"
        if 200 <= status < 300:
            refused, reason = (0, "") if self._protobuf else _partial(answer, count)
        self.sent += count - refused
        self.refused += refused
        self.reason = self.reason or reason

    def report(self, source: str) -> int:
        """Say what became of the spans; returns the exit code."""
        from otelier.viewer.text import clean

        if self.sent:
            print(f"sent {counted(self.sent)} to {self._poster.shown}")
        if self.refused:
            why = clean(self.reason)
            print(f"otelier send: {counted(self.refused)} refused ({why})", file=sys.stderr)
        if not self.sent and not self.refused:
            print(f"otelier send: no spans of {source} were sent", file=sys.stderr)
        return 0 if self.sent and not self.refused else 1

    def _post(self, line: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        kind = JSON
        if self._protobuf:
            from otelier.store.otlp_proto import encode

            kind, line = PROTOBUF, encode(decode(line))
        answer = self._poster.post(kind, line)
        return answer.status, answer.body


def _partial(answer: bytes, count: int) -> tuple[int, str]:
    """How many of the spans the receiver says it did not take, and why."""
    try:
        said = wire.loads(answer or b"{}")["partialSuccess"]
        refused = int(said.get("rejectedSpans", 0))
        return min(max(refused, 0), count), str(said.get("errorMessage", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0, ""
