"""Plain HTTP to a known endpoint, by ``requests``: ``Session.send`` and the body that it gives.

A body that the user reads later passes ``response.raw.stream``, which urllib3 decodes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from otelier import guard
from otelier.call import Call
from otelier.hooks import calling, raw
from otelier.hooks.beside import Beside
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.sdks.http import httpx as http

# What looks at the bodies of urllib3's responses.
_watches: Final[Beside[raw.Watch]] = Beside()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch ``requests.sessions``; what was patched. Raises LookupError."""
    session = getattr(module, "Session", None)
    if session is None or "send" not in session.__dict__:
        raise LookupError(f"{module.__name__}.Session.send")
    patches.wrap(session, "send", calling.around(_open, _received, decides=False)[0])
    patches.wrap(sys.modules["requests.models"].Response, "close", _close)
    patches.wrap(sys.modules["urllib3.response"].HTTPResponse, "stream", _stream)
    return f"{module.__name__}.Session.send"


def _open(session: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    request = calling.argument(args, kwargs, 0, "request")
    return http.opened_url(request.method or "", request.url or "", request.body)


def _stream(wrapped: Callable[..., Any], source: Any, args: Any, kwargs: Any) -> Any:
    """``stream`` of urllib3's responses: what of it is ours has a watch."""
    inner = wrapped(*args, **kwargs)
    watch = _watches.of(source)
    return inner if watch is None or watch.call.ended else raw.tee(inner, watch)


def _received(call: Call, route: Route, response: Any) -> Any:
    call.status = response.status_code
    call.headers = response.headers
    kind = str(response.headers.get("content-type", "")).lower()
    body = response.__dict__.get("_content")
    if isinstance(body, bytes):
        raw.read(call, body, kind, route.large_body)
        return response
    source = response.raw
    if not call.observing or not hasattr(type(source), "stream"):
        call.end()
        return response
    _watches.put(source, raw.Watch(call, kind, route.large_body))
    return response


def _close(wrapped: Callable[..., Any], response: Any, args: Any, kwargs: Any) -> Any:
    try:
        watch = _watches.of(response.raw)
        if watch is not None and not watch.running:
            watch.closed()
    except Exception:
        guard.failed("http_requests.close")
    return wrapped(*args, **kwargs)
