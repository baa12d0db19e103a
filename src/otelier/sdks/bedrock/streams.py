"""botocore's event streams and streaming bodies, observed on their own instances.

An ``EventStream`` parses what its ``_event_generator`` gives by ``_parse_event``. A
``StreamingBody`` reads an HTTP response, which reads a ``_fp`` (urllib3) or a ``content``
(aiohttp): whichever way the user reads, all bytes pass there.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Awaitable
from functools import wraps
from typing import Any, Final

from otelier import following, guard, wire
from otelier.call import Call
from otelier.hooks import streams
from otelier.hooks.beside import Beside, InPlace
from otelier.hooks.raw import Watch

# In the last event of every model.
_METRICS: Final = b"amazon-bedrock-invocationMetrics"


def observe(stream: Any, call: Call, large: bool, kind: str = "json") -> bool:
    """Observe an event stream, or a body that the user reads later; whether it is one.

    ``kind`` is the content type of a body.
    """
    # The program gets it in a dict.
    following.note(stream, call)
    if hasattr(stream, "_event_generator"):
        _events(stream, call)
        return True
    # aiobotocore before 3 has a proxy of the response.
    response: Any = getattr(stream, "_raw_stream", getattr(stream, "__wrapped__", None))
    if hasattr(response, "_fp"):
        response._fp = _Body(response._fp, Watch(call, kind, large), response)
        return True
    content = getattr(response, "__dict__", {}).get("content")
    if hasattr(content, "read"):
        response.content = _AsyncBody(content, Watch(call, kind, large))
        return True
    if hasattr(response, "getvalue"):  # a stub's
        watch = Watch(call, kind, large)
        watch.feed(response.getvalue())
        watch.finish()
        return True
    return False


def _events(stream: Any, call: Call) -> None:
    _streams.put(stream, call)
    stream._event_generator = streams.items(stream._event_generator, call, streams.elsewhere)


def _parse_event(table: Beside[Call], original: Any) -> Any:
    @wraps(original)
    def parse_event(stream: Any, *args: Any, **kwargs: Any) -> Any:
        call = table.of(stream)
        if call is None:
            return original(stream, *args, **kwargs)
        try:
            parsed = original(stream, *args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        if inspect.isawaitable(parsed):
            return _aparsed(parsed, call)
        _look(call, parsed)
        return parsed

    return parse_event


def _close(table: Beside[Call], original: Any) -> Any:
    @wraps(original)
    def close(stream: Any, *args: Any, **kwargs: Any) -> Any:
        call = table.of(stream)
        if call is not None:
            call.end("closed")
        return original(stream, *args, **kwargs)

    return close


_streams: Final[Beside[Call]] = Beside({"_parse_event": _parse_event, "close": _close})


async def _aparsed(parsing: Awaitable[Any], call: Call) -> Any:
    try:
        parsed = await parsing
    except BaseException as error:
        call.fail(error)
        raise
    _look(call, parsed)
    return parsed


def _look(call: Call, event: Any) -> None:
    if not event:
        return
    call.chunk(event)
    # Whoever's span ours enriches ends it with the last event, before the stream's end.
    if call.enriches and ("metadata" in event or _METRICS in _bytes(event)):
        call.end()


def _bytes(event: Any) -> bytes:
    data = wire.fields(wire.fields(event).get("chunk")).get("bytes")
    return data if isinstance(data, bytes) else b""


class _Body(InPlace):
    """What an HTTP response of urllib3 reads."""

    def __init__(self, inner: Any, watch: Watch, response: Any) -> None:
        self._inner = inner
        self._watch = watch
        self._response = weakref.ref(response)

    def read(self, *args: Any) -> Any:
        """Read, and look at it."""
        try:
            data = self._inner.read(*args)
        except BaseException as error:
            self._watch.call.fail(error)
            raise
        _seen(self._watch, data, args, self._inner)
        return data

    def close(self) -> Any:
        """Closed by the user, by the response at its end, or because nobody holds it."""
        try:
            response = self._response()
            if response is not None and not getattr(response, "_finalizing", False):
                self._watch.closed()
        except Exception:
            guard.failed("bedrock.close")
        return self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _AsyncBody(InPlace):
    """What an HTTP response of aiohttp reads."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def read(self, *args: Any) -> Any:
        """Read, and look at it."""
        try:
            data = await self._inner.read(*args)
        except BaseException as error:
            self._watch.call.fail(error)
            raise
        _seen(self._watch, data, args, self._inner)
        return data

    def set_exception(self, *args: Any) -> Any:
        """A response that is closed says so to those who read it."""
        try:
            self._watch.closed()
        except Exception:
            guard.failed("bedrock.close")
        return self._inner.set_exception(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _seen(watch: Watch, data: Any, asked: Any, inner: Any) -> None:
    try:
        if data:
            watch.feed(data)
        size = asked[0] if asked else -1
        if size is None or size < 0 or (not data and size) or _exhausted(inner):
            watch.finish()
    except Exception:
        guard.failed("bedrock.seen")


def _exhausted(inner: Any) -> bool:
    """Whether nothing more comes, where the reader knows before it is asked once more."""
    told = getattr(inner, "isclosed", None) or getattr(inner, "at_eof", None)
    return bool(told()) if told is not None else False
