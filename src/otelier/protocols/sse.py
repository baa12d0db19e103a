"""Server-sent events and JSON lines, decoded from the pieces of bytes in which they arrive.

Formats: WHATWG HTML, "Server-sent events", of which only ``data`` matters to the wire formats
here; JSON Lines, JSON text sequences of one line each, and arrays of objects.
"""

from __future__ import annotations

import json
from typing import Any, Final

from otelier import wire

_MAX_LINE: Final = 16 * 1024 * 1024
# White space, and what JSON text sequences (RFC 7464) have before each text.
_BETWEEN: Final = b" \t\r\x1e"


class Decoder:
    """Bytes in, JSON events out."""

    __slots__ = ("_data", "_held", "_rest", "done")

    def __init__(self) -> None:
        # Pieces of a line that is not complete, joined when its end comes.
        self._rest: list[bytes] = []
        self._held = 0
        self._data: list[bytes] = []
        # The terminator that OpenAI's dialects send.
        self.done = False

    def feed(self, data: bytes) -> list[Any]:
        """The events that ``data`` completes; what is no JSON is skipped."""
        if b"\n" not in data and b"\r" not in data:
            self._held += len(data)
            if self._held <= _MAX_LINE:
                self._rest.append(data)
            return []
        whole = b"".join([*self._rest, data])
        # A carriage return at the end may be half of a line's end.
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        last = lines.pop()
        self._rest, self._held = [last], len(last)
        events: list[Any] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].lstrip(b" "))
            elif not line and self._data:
                self._event(events)
        return events

    def close(self) -> list[Any]:
        """The event that the end of the stream completes."""
        events: list[Any] = []
        rest = b"".join(self._rest)
        if rest.startswith(b"data:"):
            self._data.append(rest[5:].strip())
        if self._data:
            self._event(events)
        return events

    def _event(self, events: list[Any]) -> None:
        data = b"\n".join(self._data)
        self._data = []
        if data.startswith(b"[DONE]"):
            self.done = True
            return
        try:
            events.append(wire.loads(data))
        except ValueError:
            pass


class Lines:
    """Bytes in, the JSON value of each line out."""

    __slots__ = ("_held", "_rest")
    # Nothing in the format tells the end.
    done: Final = False

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[Any]:
        """The values that ``data`` completes; what is no JSON is skipped."""
        first, *more = data.split(b"\n")
        self._held += len(first)
        if self._held <= _MAX_LINE:
            self._rest.append(first)
        if not more:
            return []
        lines = [b"".join(self._rest), *more]
        self._rest = [lines.pop()]
        self._held = len(self._rest[0])
        return _values(lines)

    def close(self) -> list[Any]:
        """The value of a last line without an end."""
        lines, self._rest = [b"".join(self._rest)], []
        return _values(lines)


class Elements:
    """Bytes of one JSON array in, its objects out, as they come: Gemini's streams of old."""

    __slots__ = ("_held", "_rest")
    # The end of the array is the end of the body.
    done: Final = False

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[Any]:
        """The objects that ``data`` completes."""
        self._held += len(data)
        if self._held > _MAX_LINE:
            self._rest = []
            return []
        self._rest.append(data)
        # An object ends with a brace; in the middle of one there is no need to try.
        if data.rstrip()[-1:] not in (b"}", b"]", b","):
            return []
        text, at = b"".join(self._rest).decode("utf-8", "replace"), 0
        found: list[Any] = []
        while (at := _next(text, at)) < len(text):
            try:
                value, at = _DECODER.raw_decode(text, at)
            except ValueError:
                break
            found.append(value)
        self._rest = [text[at:].encode("utf-8")]
        self._held = len(self._rest[0])
        return found

    def close(self) -> list[Any]:
        """An object that is not complete is none."""
        return []


_DECODER: Final = json.JSONDecoder()


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in "[], \t\r\n":
        at += 1
    return at


def _values(lines: list[bytes]) -> list[Any]:
    values: list[Any] = []
    for line in lines:
        line = line.strip(_BETWEEN)
        if line:
            try:
                values.append(wire.loads(line))
            except ValueError:
                pass
    return values
