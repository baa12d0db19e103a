"""Sends the W3C trace context of a model call to the hosts that the user lists, and to no other.

Opt-in (``OTELIER_PROPAGATE``); without it nothing here is patched. The header is put on a request
where the HTTP library sends it, once for each hop and each attempt, and taken back when the hop is
over: what the program sees has none, and a redirect, a copy of the request, carries none to a third
host. Where somebody else (the program, an HTTP instrumentation) has put one there, theirs stays.

No baggage: ``session()`` values leave by ``OTELIER_BAGGAGE`` alone. Of requests that AWS's clients
sign, the headers are no part of what is signed: they come after it, as a proxy's would.

Format: https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otelier import context as ctx
from otelier import guard, identity, runtime
from otelier.call import Call
from otelier.hooks import calling
from otelier.hooks.patching import Patches
from otelier.protocols import Route

_PARENT: Final = "traceparent"
_INJECT: Final = TraceContextTextMapPropagator().inject
# A request, as it is given to the function that sends it -> its headers and its URL.
_Parts: TypeAlias = Callable[[Any, Any, Any], tuple[MutableMapping[str, Any], Any] | None]


def listed(patterns: frozenset[str], host: str, port: int | None) -> bool:
    """Whether a host is one of ``host``, ``host:port``, ``*.domain``, ``*.domain:port``."""
    host = host.lower().rstrip(".")
    named = f"[{host}]" if ":" in host and not host.startswith("[") else host
    if named in patterns or f"{named}:{port}" in patterns:
        return True
    while "." in host:
        host = host.partition(".")[2]
        if f"*.{host}" in patterns or f"*.{host}:{port}" in patterns:
            return True
    return False


def headers_for(url: str) -> dict[str, str]:
    """What is to be sent to ``url`` from here; nothing where no call is made, or to others."""
    run, here = runtime.current(), ctx.current()
    call: Any = here.get(ctx.CALL)
    if run is None or call is None or call.ended:
        return {}
    parts = urlsplit(url)
    port = parts.port or identity.PORTS.get(parts.scheme)
    if not parts.hostname or not listed(run.settings.propagate, parts.hostname, port):
        return {}
    found: dict[str, str] = {}
    _INJECT(found, here)
    return found


# --- HTTP libraries ---------------------------------------------------------------------------


class _Hop:
    """The headers of one request, with what we added to them."""

    __slots__ = ("_added", "_headers")

    def __init__(self) -> None:
        self._headers: MutableMapping[str, Any] = {}
        self._added: dict[str, str] = {}

    def begin(self, headers: MutableMapping[str, Any], url: Any) -> None:
        """Add what is to be sent, unless somebody has."""
        if _PARENT in headers:
            return
        self._headers = headers
        for name, value in headers_for(str(url)).items():
            if name not in headers:
                self._added[name] = value
                headers[name] = value

    def over(self) -> None:
        """Take back what is still ours."""
        for name, value in self._added.items():
            if self._headers.get(name) == value:
                del self._headers[name]


def _around(parts: _Parts) -> tuple[calling.Wrapper, calling.Wrapper]:
    def begin(owner: Any, args: Any, kwargs: Any) -> _Hop:
        hop = _Hop()
        try:
            found = parts(owner, args, kwargs)
            if found is not None:
                hop.begin(*found)
        except Exception:
            guard.failed("propagating.begin")
        return hop

    def over(hop: _Hop) -> None:
        try:
            hop.over()
        except Exception:
            guard.failed("propagating.over")

    def send(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        hop = begin(owner, args, kwargs)
        try:
            return wrapped(*args, **kwargs)
        finally:
            over(hop)

    async def asend(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        hop = begin(owner, args, kwargs)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            over(hop)

    return send, asend


def _request(_: Any, args: Any, kwargs: Any) -> tuple[MutableMapping[str, Any], Any]:
    request = calling.argument(args, kwargs, 0, "request")
    return request.headers, request.url


def _itself(request: Any, _: Any, __: Any) -> tuple[MutableMapping[str, Any], Any] | None:
    # Of a tunnel the URL is the host behind the proxy, which alone would get the header.
    return None if request.method == "CONNECT" else (request.headers, request.url)


_SEND, _ASEND = _around(_request)
_SENT_ITSELF: Final = _around(_itself)[1]
# (class, method) by the module that is patched.
_SEAMS: Final[dict[str, tuple[tuple[str, str, calling.Wrapper], ...]]] = {
    **dict.fromkeys(
        ("httpx._client", "httpx2._client"),
        (
            ("Client", "_send_single_request", _SEND),
            ("AsyncClient", "_send_single_request", _ASEND),
        ),
    ),
    "requests.adapters": (("HTTPAdapter", "send", _SEND),),
    "aiohttp.client_reqrep": (("ClientRequest", "send", _SENT_ITSELF),),
    "botocore.endpoint": (("Endpoint", "_send", _SEND),),
    "aiobotocore.endpoint": (("AioEndpoint", "_send", _ASEND),),
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch where an HTTP library sends one request; what was patched. Raises LookupError."""
    seams = _SEAMS[module.__name__]
    for owner_name, method, wrapper in seams:
        owner = getattr(module, owner_name, None)
        if owner is None or method not in owner.__dict__:
            raise LookupError(f"{module.__name__}.{owner_name}.{method}")
        patches.wrap(owner, method, wrapper)
    return f"{module.__name__}.{seams[0][0]}.{seams[0][1]}"


# --- gRPC -------------------------------------------------------------------------------------

# A stub's method -> the URL that it calls.
_Url: TypeAlias = Callable[[Any], str]


def sending(url: _Url) -> calling.Send:
    """What sends the calls of a gRPC stub, for :func:`otelier.hooks.calling.around`."""

    def send(_: Call, __: Route, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **with_metadata(url(wrapped), kwargs))

    return send


def within(url: _Url) -> calling.Wrapper:
    """Wraps a stub's method that is a part of a call which was begun above."""

    def part(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **with_metadata(url(wrapped), kwargs))

    return part


def with_metadata(url: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The named arguments of a gRPC call with the trace context in ``metadata``."""
    try:
        given = kwargs.get("metadata") or ()
        if type(given) in (tuple, list) and not any(each[0] == _PARENT for each in given):
            ours = headers_for(url)
            if ours:
                return {**kwargs, "metadata": (*given, *ours.items())}
    except Exception:
        guard.failed("propagating.metadata")
    return kwargs
