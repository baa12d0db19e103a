"""Plain HTTP to a known endpoint, by ``aiohttp``: ``ClientSession._request`` and what it reads.

Bodies are looked at as they arrive (``StreamReader.feed_data``), whatever way the user reads them.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any, Final

from otelier import guard
from otelier.call import Call
from otelier.hooks import calling, raw
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.sdks.http import forms as http_forms
from otelier.sdks.http import httpx as http

# Open bodies by the identity of their StreamReader, which takes no attributes and no references.
_open_bodies: Final[dict[int, _Body]] = {}


class _Body:
    """One body that arrives."""

    __slots__ = ("_response", "watch")

    def __init__(self, response: Any, watch: raw.Watch) -> None:
        key = id(response.content)
        self.watch = watch
        self._response = weakref.ref(response, lambda _: _open_bodies.pop(key, None))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch ``aiohttp.client``; what was patched. Raises LookupError."""
    session, response = getattr(module, "ClientSession", None), module.ClientResponse
    reader = sys.modules["aiohttp.streams"].StreamReader
    if session is None or "_request" not in session.__dict__:
        raise LookupError(f"{module.__name__}.ClientSession._request")
    patches.wrap(session, "_request", calling.around(_open, _received, decides=False)[1])
    patches.wrap(reader, "feed_data", _fed)
    patches.wrap(reader, "feed_eof", _ended)
    patches.wrap(reader, "set_exception", _failed)
    for name in ("close", "release"):
        patches.wrap(response, name, _left)
    return f"{module.__name__}.ClientSession._request"


def _open(session: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    url = str(session._build_url(args[1]))
    body = kwargs.get("json")
    if type(body) is dict:
        # The user may change it while the answer comes.
        body = {name: list(v) if type(v) is list else v for name, v in body.items()}
    else:
        body = kwargs.get("data")
        if not isinstance(body, str | bytes | bytearray):
            body = http_forms.of_data(body)
    return http.opened_url(str(args[0]), url, body)


def _received(call: Call, route: Route, response: Any) -> Any:
    call.status = response.status
    call.headers = response.headers
    content = response.content
    kind = str(response.headers.get("content-type", "")).lower()
    if not call.observing:
        call.end()
        return response
    watch = raw.Watch(call, kind, route.large_body)
    # What came together with the headers.
    for data in list(getattr(content, "_buffer", ())):
        watch.feed(bytes(data))
    if content.is_eof():
        watch.finish()
    elif content.exception() is not None:
        call.fail(content.exception())
    else:
        _open_bodies[id(content)] = _Body(response, watch)
    return response


def _fed(wrapped: Callable[..., Any], content: Any, args: Any, kwargs: Any) -> Any:
    if _open_bodies:
        try:
            body = _open_bodies.get(id(content))
            if body is not None:
                body.watch.feed(bytes(calling.argument(args, kwargs, 0, "data")))
        except Exception:
            guard.failed("http_aiohttp.data")
    return wrapped(*args, **kwargs)


def _ended(wrapped: Callable[..., Any], content: Any, args: Any, kwargs: Any) -> Any:
    try:
        body = _open_bodies.pop(id(content), None)
        if body is not None:
            body.watch.finish()
    except Exception:
        guard.failed("http_aiohttp.eof")
    return wrapped(*args, **kwargs)


def _failed(wrapped: Callable[..., Any], content: Any, args: Any, kwargs: Any) -> Any:
    try:
        body = _open_bodies.pop(id(content), None)
        if body is not None:
            error = calling.argument(args, kwargs, 0, "exc")
            body.watch.call.fail(error() if isinstance(error, type) else error)
    except Exception:
        guard.failed("http_aiohttp.exception")
    return wrapped(*args, **kwargs)


def _left(wrapped: Callable[..., Any], response: Any, args: Any, kwargs: Any) -> Any:
    """``close`` and ``release``: the user leaves, or everything has come."""
    try:
        body = _open_bodies.pop(id(response.content), None)
        if body is not None:
            body.watch.closed()
    except Exception:
        guard.failed("http_aiohttp.left")
    return wrapped(*args, **kwargs)
