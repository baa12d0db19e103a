"""Sends a store on: portion after portion, each until it has arrived."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otelier.cli.amounts import counted
from otelier.cli.posting import LOGS, PROTOBUF, TRACES, Poster, Reply, UnreachableError
from otelier.cli.stopping import Stop
from otelier.store import logs_proto, otlp_proto
from otelier.store.forwarding import Outbox
from otelier.store.portions import fitting
from otelier.viewer.text import clean

# What collectors take by default, in bytes.
MOST: Final = 4 << 20
_AGAIN: Final = frozenset({429, 502, 503, 504})
_TOO_LARGE: Final = 413
# Backends of traces alone have nothing at the path of logs.
_NOTHING_THERE: Final = frozenset({404, 405, 501})
# Seconds: between two looks for what is new; before the second try, and at most before another.
_LOOK: Final = 0.2
_FIRST: Final = 0.5
_LAST: Final = 30.0
# Who says that it takes longer is asked after that nonetheless.
_LONGEST: Final = 3600.0
_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Signal:
    """What is sent on: a table of the store, and how its rows go where."""

    table: str
    path: str
    read: Callable[[Outbox], Sequence[tuple[int, Any]]]
    encode: Callable[[Iterable[Any]], bytes]
    answer: Callable[[], Any]
    rejected: str


SIGNALS: Final = (
    Signal(
        "span",
        TRACES,
        Outbox.spans,
        otlp_proto.encode,
        ExportTraceServiceResponse,
        "rejected_spans",
    ),
    Signal(
        "event",
        LOGS,
        Outbox.events,
        logs_proto.encode,
        ExportLogsServiceResponse,
        "rejected_log_records",
    ),
)


class RefusedError(Exception):
    """The destination does not take a portion, now or later."""


@dataclass(slots=True)
class Forwarder:
    """Sends what an outbox has to the posters of its signals, by path."""

    outbox: Outbox
    posters: dict[str, Poster]
    stop: Stop
    skip_refused: bool = False
    first: float = _FIRST
    # By table: how many have arrived, and were refused.
    sent: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    _down: bool = False
    # What the destination does not take at all.
    _unwanted: set[str] = field(default_factory=set)

    def run(self, once: bool) -> None:
        """Send all there is, and unless ``once`` all that comes, until ``stop``.

        Raises RefusedError, and what the outbox does.
        """
        while not self.stop.is_set():
            # Before it is read: what comes meanwhile is seen in the next round.
            version = self.outbox.version()
            while any(map(self._send, SIGNALS)) and not self.stop.is_set():
                pass
            if once:
                return
            while self.outbox.version() == version and not self.stop.wait(_LOOK):
                pass

    def _send(self, signal: Signal) -> bool:
        """Send the next portion of a signal; whether there was one."""
        if signal.table in self._unwanted:
            return False
        found = signal.read(self.outbox)
        for part, data in fitting(found, signal.encode, MOST) if found else ():
            if self.stop.is_set() or not self._part(signal, part, data):
                return False
        return bool(found)

    def _part(self, signal: Signal, part: Sequence[tuple[int, Any]], data: bytes) -> bool:
        """Send a part until it has arrived, or was refused for good; False if it was not sent."""
        reply = self._posted(self.posters[signal.path], data)
        if reply is None:
            return False
        if reply.status == _TOO_LARGE and len(part) > 1:
            middle = len(part) // 2
            return all(
                self._part(signal, half, signal.encode(item for _, item in half))
                for half in (part[:middle], part[middle:])
                if not self.stop.is_set()
            )
        if 200 <= reply.status < 300:
            refused, reason = _rejected(signal, reply, len(part))
        else:
            refused, reason = len(part), f"HTTP {reply.status}: {_text(reply)}"
            if signal.path == LOGS and reply.status in _NOTHING_THERE:
                # The place is kept: it may take them another day.
                self._unwanted.add(signal.table)
                self._say(f"it takes no {signal.table}s ({clean(reason)}); only spans are sent")
                return False
            if not self.skip_refused:
                raise RefusedError(f"{_told(signal, refused)} refused ({clean(reason)})")
        if refused or reason:
            self._say(f"{_told(signal, refused)} refused ({clean(reason)})")
        self.outbox.arrived(signal.table, part[-1][0])
        self.sent[signal.table] = self.sent.get(signal.table, 0) + len(part) - refused
        self.refused[signal.table] = self.refused.get(signal.table, 0) + refused
        return True

    def _posted(self, poster: Poster, data: bytes) -> Reply | None:
        """The answer that is final; None if it is to stop before there is one."""
        delay = self.first
        while True:
            after = None
            try:
                reply = poster.post(PROTOBUF, data)
                if reply.status not in _AGAIN:
                    self._answers(poster)
                    return reply
                after, problem = reply.retry_after, f"HTTP {reply.status}: {_text(reply)}"
            except UnreachableError as error:
                problem = str(error)
            if not self._down:
                self._down = True
                self._say(f"{poster.shown}: {clean(problem)}; it is tried again until it answers")
            # Not all of many at the same moment.
            if after is None:
                after, delay = delay * random.uniform(0.5, 1.0), min(delay * 2, _LAST)
            if self.stop.wait(min(max(after, _LOOK), _LONGEST)):
                return None

    def _answers(self, poster: Poster) -> None:
        if self._down:
            self._down = False
            self._say(f"{poster.shown} answers again")

    def _say(self, line: str) -> None:
        print(f"otelier forward: {line}", file=sys.stderr, flush=True)


def _rejected(signal: Signal, reply: Reply, count: int) -> tuple[int, str]:
    """How many of a portion that arrived the destination did not take, and why."""
    answer = signal.answer()
    try:
        answer.ParseFromString(reply.body)
    except DecodeError:
        # Some say only that it is well.
        return 0, ""
    said = answer.partial_success
    return min(max(getattr(said, signal.rejected), 0), count), said.error_message[:_REASON]


def _told(signal: Signal, count: int) -> str:
    return counted(count) if signal.path == TRACES else counted(0, count)


def _text(reply: Reply) -> str:
    return reply.body[:_REASON].decode("utf-8", "replace")
