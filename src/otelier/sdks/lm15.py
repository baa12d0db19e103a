"""``lm15``, by itself and as DSPy brings it along: its transport, below all of its providers.

The answer's bytes are looked at as lm15 reads them. Retries are the caller's: each is a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from otelier import context as ctx
from otelier import guard
from otelier.call import Call, begin
from otelier.hooks import calling, raw
from otelier.hooks.patching import Patches
from otelier.protocols import Route, endpoints

_USUAL: Final = "openai"
# Who speaks so, where nobody outside can know who answers: the end of a path, the provider.
_DIALECTS: Final = (
    ("/messages", "anthropic"),
    (":generateContent", "gcp.gemini"),
    (":streamGenerateContent", "gcp.gemini"),
    ("", _USUAL),
)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what sends a request and gives its response; what was patched. Raises LookupError."""
    send, asend = calling.around(_open, _received)
    for name, method, wrapper in (
        ("StdlibTransport", "stream", send),
        ("StdlibAsyncTransport", "_do_stream", asend),
    ):
        owner = module.__dict__.get(name)
        if owner is not None and method in owner.__dict__:
            patches.wrap(owner, method, wrapper)
            return f"{name}.{method}"
    raise LookupError(f"{module.__name__}.StdlibTransport.stream")


def _open(transport: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("lm15")
    outer: Any = ctx.current().get(ctx.CALL)
    if run is None or (outer is not None and not outer.ended):
        return None
    request = calling.argument(args, kwargs, 0, "request")
    parts = urlsplit(request.url)
    speaks = next(name for ending, name in _DIALECTS if parts.path.endswith(ending))
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    who = calling.identify(run, url, assumed=speaks)
    body = calling.body_of(request.body)
    # A dialect that its path tells is that also behind a gateway, by whatever name.
    method, known = request.method.lower(), (who.provider, speaks)
    for name in known if speaks == _USUAL else reversed(known):
        found = endpoints.find(name, method, parts.path, body)
        if found is not None:
            break
    if found is None:
        return None
    call = begin(found.route, found.body, who, model=found.model, attributes=found.attributes)
    return None if call is None else (call, found.route)


def _received(call: Call, route: Route, response: Any) -> Any:
    call.status = response.status
    call.headers = {str(name).lower(): value for name, value in response.headers}
    if not call.observing:
        call.end()
        return response
    kind = str(call.headers.get("content-type", "")).lower()
    watch = raw.Watch(call, kind, route.large_body)
    chunks, release = response._chunks, response._release
    if hasattr(type(chunks), "__anext__"):
        response._chunks, response._release = raw.atee(chunks, watch), _areleased(release, watch)
    else:
        response._chunks, response._release = raw.tee(chunks, watch), _released(release, watch)
    return response


def _released(release: Callable[..., Any], watch: raw.Watch) -> Callable[..., Any]:
    """The connection is given back: after the last byte, or because nobody reads on."""

    def released(*args: Any, **kwargs: Any) -> Any:
        _over(watch)
        return release(*args, **kwargs)

    return released


def _areleased(release: Callable[..., Awaitable[Any]], watch: raw.Watch) -> Callable[..., Any]:
    async def released(*args: Any, **kwargs: Any) -> Any:
        _over(watch)
        return await release(*args, **kwargs)

    return released


def _over(watch: raw.Watch) -> None:
    try:
        watch.closed()
    except Exception:
        guard.failed("lm15.released")
