"""Raw responses: the user reads the HTTP response, we look at the bytes as they pass.

``with_raw_response`` gives a response whose body was read already; ``with_streaming_response``, and
raw responses of streams, give one that the user reads later, in whatever way: every way goes
through the response's ``iter_bytes`` or ``aiter_bytes``.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from otelier import following, guard, wire
from otelier.call import Call
from otelier.expressions import later
from otelier.hooks import responses
from otelier.hooks.streams import ByOther, aclosed
from otelier.protocols.eventstream import Frames
from otelier.protocols.sse import Decoder, Elements, Lines

_MAX_BODY: Final = 8 * 1024 * 1024
_TAIL: Final = 64 * 1024
# What is of use in a large body, and near its end.
_IN_TAIL: Final = ("model", "usage", "meta")
# Content types of lines of JSON: Ollama's, Cohere's first version's, and their kind.
_LINES: Final = ("jsonl", "ndjson", "stream+json", "json-stream", "json-seq", "ldjson")
# How server-sent events of JSON begin, and how they may go on to begin.
_EVENTS: Final = later(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?:event|id|retry)?:[^\r\n]*[\r\n]+)*data: ?(?:\{|\[)"
)
_MAYBE_EVENTS: Final = later(rb"(?:\xef\xbb\xbf)?\s*(?:$|[edir:])")
_JSON: Final = later(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_ARRAY: Final = later(rb"\s*\[\s*\{")
_MOST_LOOKED_AT: Final = 4096


def _decoder(kind: str) -> Decoder | Lines | Elements | Frames | None:
    """What decodes a stream of this content type; None for other types."""
    if "event-stream" in kind:
        return Decoder()
    if "vnd.amazon.eventstream" in kind:
        return Frames()
    return Lines() if any(each in kind for each in _LINES) else None


class Watch:
    """Looks at one body; ends the call when the body ends, or when the response is dropped."""

    def __init__(self, call: Call, kind: str, large: bool) -> None:
        self.call = call
        self.running = False
        self._events = _decoder(kind)
        # What no type or a wrong one says shows in the first bytes.
        self._untold = not kind or "octet-stream" in kind
        self._json = "json" in kind or self._untold
        self._text = kind.startswith("text/") and "html" not in kind and self._events is None
        # Whether it may still turn out to be server-sent events, and lines of JSON; what a
        # refused call is told is no stream.
        self._maybe_events = self._events is None and (call.status or 200) < 400
        self._maybe_lines = self._maybe_events and not large
        self._large = large
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """A piece of the decoded body, on its way to the user."""
        try:
            if (self._maybe_events or self._maybe_lines) and (self._json or self._text):
                data = self._look(data)
            if self._events is not None:
                for event in self._events.feed(data):
                    self.call.chunk(event)
                if self._events.done:
                    # Nobody need read on, and old SDKs neither do nor close the response.
                    self.call.end()
            elif self._json or self._text:
                self._size += len(data)
                self._pieces.append(data)
                if self._large and self._size > 2 * _TAIL:
                    self._pieces = [b"".join(self._pieces)[-_TAIL:]]
                    self._size = _TAIL
                elif self._size > _MAX_BODY:
                    self._pieces = []
                    self._json = self._text = False
        except Exception:
            guard.failed("raw.feed")

    def _look(self, data: bytes) -> bytes:
        """Find out what the first bytes are; of a stream all that came, else ``data`` again."""
        if self._maybe_events:
            head = b"".join([*self._pieces, data[:_MOST_LOOKED_AT]])
            if _EVENTS.match(head):
                return self._stream(Decoder(), data)
            self._maybe_events = bool(_MAYBE_EVENTS.match(head)) and len(head) < _MOST_LOOKED_AT
            if self._maybe_events:
                return data
            if self._untold and not _JSON.match(head):
                self._json = self._maybe_lines = False
                return data
            if self._json and self._maybe_lines and _ARRAY.match(head):
                return self._stream(Elements(), data)
        if not self._maybe_lines or b"\n" not in data:
            return data
        first, _, rest = b"".join([*self._pieces, data]).lstrip().partition(b"\n")
        rest = rest.lstrip()
        try:
            lined = type(wire.loads(first)) is dict and rest[:1] in (b"", b"{")
        except ValueError:
            lined = False
        if lined and rest:
            return self._stream(Lines(), data)
        self._maybe_lines = lined
        return data

    def _stream(self, events: Decoder | Lines | Elements, data: bytes) -> bytes:
        whole = b"".join([*self._pieces, data])
        self._events, self._pieces = events, []
        self._maybe_events = self._maybe_lines = False
        return whole

    def finish(self) -> None:
        """The whole body has passed."""
        try:
            if self._events is not None:
                for event in self._events.close():
                    self.call.chunk(event)
            elif self._pieces:
                whole(self.call, b"".join(self._pieces), self._large, self._json)
        except Exception:
            guard.failed("raw.finish")
        self.call.end()

    def closed(self) -> None:
        """The response is being closed: after the last event, or early."""
        if self._events is not None and self._events.done:
            self.call.end()
        else:
            self.call.end("closed")

    def __del__(self) -> None:
        self.call.abandoned()


def received(response: Any, call: Call, large: bool, kind: str | None = None) -> None:
    """Observe an HTTP response (httpx or httpx2, duck-typed) that the user gets.

    ``kind`` is its content type, where the SDK knows better than the header.
    """
    call.headers = response.headers
    if kind is None:
        kind = str(response.headers.get("content-type", "")).lower()
    body = response.__dict__.get("_content")
    if body is not None:
        read(call, body, kind, large)
        return
    if not call.observing:
        call.end()
        return
    watch = Watch(call, kind, large)
    # SDKs make of it what the program gets.
    following.note(response, call)
    alive = weakref.ref(response)

    def reading(source: Any, asynchronous: bool) -> Any:
        # A subclass's method may read by its base's.
        return source if watch.running else (atee if asynchronous else tee)(source, watch)

    def left() -> None:
        # httpx closes a response from inside its own iteration when the body has ended; and where
        # the garbage collector has it, a stream that reads it: then the watch's end is the call's.
        if not watch.running and alive() is not None:
            watch.closed()

    responses.on_read(response, reading)
    responses.on_close(response, left)


def read(call: Call, body: bytes, kind: str, large: bool) -> None:
    """A body that was read already, of content type ``kind``; ends the call."""
    # Perhaps it was sent as a stream, and read as a whole.
    watch = Watch(call, kind, large)
    watch.feed(body)
    watch.finish()


def by_other(call: Call) -> ByOther:
    """Look at the bytes of a stream's response where the stream does not read them itself."""

    watches: list[Watch] = []

    def watched(response: Any, reading_itself: Callable[[], bool]) -> list[Watch]:
        try:
            alive = weakref.ref(response)
        except TypeError:
            return watches

        def reading(source: Any, asynchronous: bool) -> Any:
            # Asked once: who reads first is the only one.
            responses.forget_reading(alive())
            if reading_itself() or call.ended:
                return source
            watches.append(Watch(call, "event-stream", False))
            return (atee if asynchronous else tee)(source, watches[-1])

        responses.on_read(response, reading)
        return watches

    return watched


def tee(inner: Iterator[bytes], watch: Watch) -> Iterator[bytes]:
    """The pieces of a body as they are, looked at on their way."""
    try:
        while True:
            watch.running = True
            try:
                data = next(inner)
            except StopIteration:
                break
            finally:
                watch.running = False
            watch.feed(data)
            yield data
    except GeneratorExit:
        raise
    except BaseException as error:
        watch.call.fail(error)
        raise
    finally:
        close = getattr(inner, "close", None)
        if close is not None:
            close()
    watch.finish()


async def atee(inner: AsyncIterator[bytes], watch: Watch) -> AsyncIterator[bytes]:
    """The same, asynchronous."""
    try:
        while True:
            watch.running = True
            try:
                data = await inner.__anext__()
            except StopAsyncIteration:
                break
            finally:
                watch.running = False
            watch.feed(data)
            yield data
    except GeneratorExit:
        raise
    except BaseException as error:
        watch.call.fail(error)
        raise
    finally:
        await aclosed(inner)
    watch.finish()


def whole(call: Call, body: bytes, large: bool, is_json: bool) -> None:
    """Hand a body that was read to the call; of a large one only its tail."""
    try:
        if not is_json:
            call.whole(body.decode("utf-8", "replace"))
        elif large and len(body) >= _TAIL:
            call.whole({name: tail(body, name) for name in _IN_TAIL})
        else:
            call.whole(wire.loads(body))
    except ValueError:
        pass
    except Exception:
        guard.failed("raw.whole")


def tail(body: bytes, name: str) -> Any:
    """The last member ``name`` of a large JSON body, looked for near its end; or None."""
    import json

    text = body[-_TAIL:].decode("utf-8", "replace")
    at = text.rfind(f'"{name}"')
    if at < 0:
        return None
    colon = text.find(":", at)
    try:
        return json.JSONDecoder().raw_decode(text[colon + 1 :].lstrip())[0]
    except ValueError:
        return None
