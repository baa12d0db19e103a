"""How requests travel: whom a session speaks to, in which version, and what has brought a request.

What is known stands beside the objects of the SDK, weakly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, identity, runtime, semconv, statics, wire
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

# The version that a session, or a dispatcher, has agreed on.
_versions: Final[Beside[str]] = Beside()
# What sends what is written to a stream.
_transports: Final[Beside[Any]] = Beside()
# The context in which an HTTP request came that has brought messages.
_requests: Final[Beside[Context]] = Beside()
_HTTP: Final[Attributes] = {semconv.NETWORK_TRANSPORT: "tcp", semconv.NETWORK_PROTOCOL: "http"}
_SESSION: Final = b"mcp-session-id"


def speaks(session: Any, greeting: Any) -> None:
    """A session has agreed on a version."""
    told = wire.fields(greeting)
    version = wire.text(told.get("protocolVersion")) or wire.text(told.get("protocol_version"))
    if session is not None and version:
        _versions.put(session, version)


def known(session: Any) -> Attributes:
    """What is known of the other side of a session, or a dispatcher."""
    found: Attributes = {}
    version = _versions.of(session)
    if version:
        found[semconv.MCP_PROTOCOL_VERSION] = version
    transport = _transports.of(_inner(statics.member(session, "_write_stream")))
    if transport is None:
        return found
    found.update(_HTTP)
    url = wire.text(statics.member(transport, "url")) or ""
    parts = urlsplit(url)
    if parts.hostname:
        found[semconv.SERVER_ADDRESS] = parts.hostname
        port = parts.port or identity.PORTS.get(parts.scheme)
        if port:
            found[semconv.SERVER_PORT] = port
    session_id = wire.text(statics.member(transport, "session_id"))
    if session_id:
        found[semconv.MCP_SESSION_ID] = session_id
    return found


def served(request: Any) -> Attributes:
    """What is known of the HTTP request that has brought a message."""
    if request is None:
        return {}
    found = dict(_HTTP)
    scope = statics.storage(request).get("scope")
    for name, value in wire.items(scope.get("headers")) if type(scope) is dict else ():
        if name == _SESSION:
            found[semconv.MCP_SESSION_ID] = value.decode("latin-1")
    return found


def around(request: Any) -> Context | None:
    """The context in which an HTTP request came."""
    return None if request is None else _requests.of(request)


def _inner(stream: Any) -> Any:
    """Version 2's streams hold anyio's, and cannot be held weakly."""
    return statics.member(stream, "_inner", stream)


def _post(wrapped: Callable[..., Any], transport: Any, args: Any, kwargs: Any) -> Any:
    """Around ``StreamableHTTPTransport.post_writer``, which sends what is written to a stream."""
    try:
        stream = argument(args, kwargs, 3, "write_stream")
        if stream is not None:
            _transports.put(_inner(stream), transport)
    except Exception:
        guard.failed("mcp.transports.post")
    return wrapped(*args, **kwargs)


def _came(wrapped: Callable[..., Any], metadata: Any, args: Any, kwargs: Any) -> Any:
    """Around ``ServerMessageMetadata.__init__``: made where a request's HTTP request is served."""
    try:
        request = kwargs.get("request_context")
        if request is not None and runtime.current() is not None:
            _requests.put(request, ctx.current())
    except Exception:
        guard.failed("mcp.transports.came")
    return wrapped(*args, **kwargs)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap where messages meet their transport. Raises LookupError."""
    owner_name, method, wrapper = _SEAMS[module.__name__]
    owner = getattr(module, owner_name, None)
    if owner is None or method not in owner.__dict__:
        raise LookupError(f"{module.__name__}.{owner_name}.{method}")
    patches.wrap(owner, method, wrapper)
    return f"{module.__name__}.{owner_name}.{method}"


_SEAMS: Final[dict[str, tuple[str, str, Any]]] = {
    "mcp.client.streamable_http": ("StreamableHTTPTransport", "post_writer", _post),
    "mcp.shared.message": ("ServerMessageMetadata", "__init__", _came),
}
