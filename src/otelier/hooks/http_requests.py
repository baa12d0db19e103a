"""Plain HTTP to a known endpoint, by ``requests``: ``Session.send`` and the body that it gives.

A body that the user reads later passes ``response.raw.stream``, which urllib3 decodes.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from otelier import guard
from otelier.call import Call
from otelier.hooks import calling, http, raw
from otelier.hooks.patching import Patches
from otelier.protocols import Route


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch ``requests.sessions``; what was patched. Raises LookupError."""
    session = getattr(module, "Session", None)
    if session is None or "send" not in session.__dict__:
        raise LookupError(f"{module.__name__}.Session.send")
    patches.wrap(session, "send", calling.around(_open, _received)[0])
    patches.wrap(sys.modules["requests.models"].Response, "close", _close)
    return f"{module.__name__}.Session.send"


def _open(session: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    request = calling.argument(args, kwargs, 0, "request")
    return http.opened_url(request.method or "", request.url or "", request.body)


class _Stream:
    """``stream`` of a urllib3 response, looked at. It does not keep the response alive."""

    def __init__(self, response: Any, watch: raw.Watch) -> None:
        self._response = weakref.ref(response)
        self.watch = watch

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        response: Any = self._response()
        inner = type(response).stream(response, *args, **kwargs)
        return inner if self.watch.call.ended else raw.tee(inner, self.watch)


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
    source.__dict__["stream"] = _Stream(source, raw.Watch(call, kind, route.large_body))
    return response


def _close(wrapped: Callable[..., Any], response: Any, args: Any, kwargs: Any) -> Any:
    try:
        stream = getattr(response.raw, "__dict__", {}).get("stream")
        if isinstance(stream, _Stream) and not stream.watch.running:
            stream.watch.closed()
    except Exception:
        guard.failed("http_requests.close")
    return wrapped(*args, **kwargs)
