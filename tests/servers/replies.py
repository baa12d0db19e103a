"""What a test tells the server to answer, and what the server noted of a request."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

HOLD_SECONDS = 10.0
"""The longest that a gate or a hang holds a request, so that a broken test still ends."""

SSE_TYPE = "text/event-stream; charset=utf-8"

Headers: TypeAlias = Mapping[str, "str | None"]
"""Reply headers. `None` takes a default header away."""


def encode_json(value: Any) -> bytes:
    """JSON as providers send it: raw UTF-8, and escapes where UTF-8 cannot say it."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value).encode()


@dataclass(frozen=True)
class Recorded:
    """One request as it came: two of them are equal when they are the same on the wire."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def route(self) -> str:
        """The path without the query."""
        return self.path.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Gate:
    """Holds an answer after `hold_after` events, until the test opens the gate."""

    def __init__(self, hold_after: int = 1) -> None:
        self.hold_after = hold_after
        self.reached = threading.Event()
        self.opened = threading.Event()

    def open(self) -> None:
        """Let the server go on."""
        self.opened.set()


@dataclass
class Json:
    """A JSON body in one piece."""

    body: Any
    status: int = 200
    headers: Headers = field(default_factory=dict)
    gzip: bool = False

    def raw(self) -> Raw:
        """The same reply as bytes."""
        data, headers = encode_json(self.body), dict(self.headers)
        if self.gzip:
            data = gzip.compress(data, mtime=0)
            headers["content-encoding"] = "gzip"
        return Raw(data, "application/json", self.status, headers)


@dataclass
class Raw:
    """Any bytes in one piece."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: Headers = field(default_factory=dict)


@dataclass
class Chunked:
    """A body in parts, in chunked transfer encoding.

    `drop_after`: the connection ends after so many parts, in the middle of the body; with
    `reset` it ends by a TCP reset. `split`: the parts are sent again cut into `split` bytes.
    """

    parts: Sequence[bytes]
    content_type: str = "application/octet-stream"
    headers: Headers = field(default_factory=dict)
    drop_after: int | None = None
    gate: Gate | None = None
    split: int | None = None
    reset: bool = False


@dataclass
class Sse:
    """Server-sent events: dicts become JSON, strings are sent as they are.

    `named` puts `event: <type>` before each one (`unknown` if it has no type). `done` is the last
    data line; None: no such line. `raw_lines` replaces all that: lines sent as they are, each one
    counting as an event for `gate` and `drop_after`. The other fields are those of `Chunked`.
    """

    events: Sequence[dict[str, Any] | str] = ()
    done: str | None = "[DONE]"
    named: bool = False
    headers: Headers = field(default_factory=dict)
    drop_after: int | None = None
    gate: Gate | None = None
    split: int | None = None
    raw_lines: Sequence[str | bytes] | None = None
    reset: bool = False

    def chunked(self) -> Chunked:
        """The same reply as parts of bytes."""
        if self.raw_lines is not None:
            parts = [(x.encode() if isinstance(x, str) else x) + b"\n" for x in self.raw_lines]
        else:
            parts = [self._event(event) for event in self.events]
            if self.done is not None:
                parts.append(b"data: %b\n\n" % self.done.encode())
        return Chunked(
            parts, SSE_TYPE, self.headers, self.drop_after, self.gate, self.split, self.reset
        )

    def _event(self, event: dict[str, Any] | str) -> bytes:
        data = event.encode() if isinstance(event, str) else encode_json(event)
        if not self.named or data == b"[DONE]":
            return b"data: %b\n\n" % data
        name = event.get("type") if isinstance(event, dict) else None
        label = name if isinstance(name, str) else "unknown"
        return b"event: %b\ndata: %b\n\n" % (label.encode(), data)


@dataclass
class Hang:
    """No answer until the gate opens; then `then`, or the end of the connection."""

    gate: Gate
    then: Reply | None = None


@dataclass
class Drop:
    """The connection ends (or is reset) without any answer."""

    reset: bool = False


Reply: TypeAlias = Json | Raw | Chunked | Sse | Hang | Drop
