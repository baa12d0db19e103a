"""AWS event streams (``application/vnd.amazon.eventstream``), for programs that use no SDK of AWS.

Format: Smithy, "Amazon Event Stream Specification": frames of two lengths, their checksum, headers,
a payload, a checksum. Events are given as botocore shows them: ``{event-type: payload}``, with
``bytes`` as bytes. Checksums are the client's concern.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from otelier import wire
from otelier.protocols import Reader, Reply

_PRELUDE: Final = Struct("!III")
_LENGTH: Final = Struct("!H")
_CHECKSUM: Final = 4
_MOST: Final = 25 * 1024 * 1024
# Header values by their type: how many bytes, None where two bytes before them say it.
_SIZES: Final = (0, 0, 1, 2, 4, 8, None, None, 8, 16)
# What a stream that failed says, in the place of an event.
_FAILED: Final = ":failed"


class Frames:
    """Bytes in, events out."""

    __slots__ = ("_broken", "_held", "_needed", "_rest")
    # Nothing in the format tells the end.
    done: Final = False

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0
        self._needed = _PRELUDE.size
        self._broken = False

    def feed(self, data: bytes) -> list[Any]:
        """The events that ``data`` completes; nothing more after bytes that are no frame."""
        if self._broken:
            return []
        self._rest.append(data)
        self._held += len(data)
        if self._held < self._needed:
            return []
        whole, at = b"".join(self._rest), 0
        events: list[Any] = []
        self._needed = _PRELUDE.size
        while len(whole) - at >= _PRELUDE.size:
            total, headers, _ = _PRELUDE.unpack_from(whole, at)
            if not _PRELUDE.size + headers + _CHECKSUM <= total <= _MOST:
                self._broken, self._rest = True, []
                return events
            if len(whole) - at < total:
                self._needed = total
                break
            events += _event(whole[at : at + total], headers)
            at += total
        self._rest, self._held = [whole[at:]], len(whole) - at
        return events

    def close(self) -> list[Any]:
        """A frame that is not complete is no event."""
        return []


def _event(frame: bytes, length: int) -> list[Any]:
    start = _PRELUDE.size + length
    told = _headers(frame[_PRELUDE.size : start])
    try:
        payload = wire.loads(frame[start:-_CHECKSUM] or b"{}")
    except ValueError:
        payload = {}
    failed = told.get(":exception-type") or told.get(":error-code")
    if failed:
        said = wire.fields(payload).get("message") or told.get(":error-message")
        return [{_FAILED: {"type": failed, "message": said}}]
    kind = told.get(":event-type")
    if kind is None or type(payload) is not dict:
        return []
    if type(payload.get("bytes")) is str:
        payload["bytes"] = base64.b64decode(payload["bytes"])
    return [{kind: payload}]


def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        if name_end >= len(block) or block[name_end] >= len(_SIZES):
            break
        kind, at_value = block[name_end], name_end + 1
        size = _SIZES[kind]
        if size is None:
            if at_value + _LENGTH.size > len(block):
                break
            (size,) = _LENGTH.unpack_from(block, at_value)
            at_value += _LENGTH.size
        if kind == 7:
            name = block[at + 1 : name_end].decode("utf-8", "replace")
            found[name] = block[at_value : at_value + size].decode("utf-8", "replace")
        at = at_value + size
    return found


class _Failing:
    """Reads an answer by another reader, and the failure that a stream may end with."""

    __slots__ = ("_failed", "_inner")

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self._failed: Any = None

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        failed = wire.fields(event).get(_FAILED)
        if failed is None:
            self._inner.chunk(event)
        else:
            self._failed = failed

    def whole(self, body: Any) -> None:
        """An answer that is not streamed."""
        self._inner.whole(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = self._inner.reply(complete)
        if self._failed is not None:
            raw = wire.fields(self._failed)
            reply.error = wire.text(raw.get("type"))
            reply.error_message = wire.text(raw.get("message"))
        return reply


def reading(reader: Callable[[bool], Reader]) -> Callable[[bool], Reader]:
    """A reader of what :class:`Frames` gives."""
    return lambda keep: _Failing(reader(keep))
