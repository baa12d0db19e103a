"""Requests that have come: to a server, and, from a server, to its client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, leaving, runtime, semconv, wire
from otelier.frameworks.mcp import refusals, transports
from otelier.frameworks.mcp.arrivals import arrived, sees
from otelier.frameworks.mcp.exchange import OPEN, Exchange
from otelier.frameworks.mcp.native import Quiet
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import leave

# What comes many times in a request, or once in a connection, and starts nothing.
_NO_WORK: Final = frozenset(
    {
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/message",
    }
)


# --- version 1 --------------------------------------------------------------------------------


def _begin_1(_: Any, args: Any, kwargs: Any) -> Any:
    """``Server._handle_request(message, req, session, …)``."""
    responder = argument(args, kwargs, 0, "message")
    return _responding(responder, argument(args, kwargs, 2, "session"))


def _begin_received(session: Any, args: Any, kwargs: Any) -> Any:
    """``ClientSession._received_request(responder)``: what a server asks of its client."""
    return _responding(argument(args, kwargs, 0, "responder"), session)


def _begin_greeted(session: Any, args: Any, kwargs: Any) -> Any:
    """``ServerSession._received_request(responder)``: it answers ``initialize`` alone."""
    responder = argument(args, kwargs, 0, "responder")
    inner = wire.fields(getattr(responder, "request", None)).get("root")
    if wire.fields(inner).get("method") != "initialize":
        return None
    return _responding(responder, session)


def _responding(responder: Any, session: Any) -> Any:
    if runtime.current() is None:
        return None
    inner = wire.fields(wire.fields(responder.request).get("root"))
    number = responder.request_id
    known: dict[str, Any] = {semconv.JSONRPC_REQUEST_ID: str(number)}
    known.update(transports.known(session))
    request = getattr(getattr(responder, "message_metadata", None), "request_context", None)
    made = arrived(inner.get("method"), inner.get("params"), responder.request_meta, request, known)
    if made is not None:
        made.request = responder
    return made


def _finish_1(handle: Any, _: Any) -> None:
    """It is over; what was answered has been seen where it was sent."""
    if not isinstance(handle, Exchange):
        return
    responder, handle.request = handle.request, None
    outcome = wire.fields(handle.outcome)
    result = outcome.get("root", handle.outcome)
    refusal = refusals.told(handle.outcome)
    if handle.outcome is None:
        # Its sender does not wait for it any longer.
        handle.left(leaving.CANCELLED)
    elif refusal is not None:
        handle.refuse(*refusal)
    else:
        if handle.method == "initialize":
            session = getattr(responder, "_session", None)
            transports.speaks(session, result)
            for name, value in transports.known(session).items():
                handle.set(name, value)
        handle.answer(result)


def _respond(wrapped: Callable[..., Any], responder: Any, args: Any, kwargs: Any) -> Any:
    """Around ``RequestResponder.respond(response)``."""
    try:
        here: Any = ctx.current().get(OPEN)
        if isinstance(here, Exchange) and here.request is responder:
            here.outcome = argument(args, kwargs, 0, "response")
    except Exception:
        guard.failed("mcp.respond")
    return wrapped(*args, **kwargs)


# --- version 2 --------------------------------------------------------------------------------


def _begin_2(_: Any, args: Any, kwargs: Any) -> Any:
    """``OpenTelemetryMiddleware.__call__(ctx, call_next)``, around all that comes to a server."""
    asked = argument(args, kwargs, 0, "ctx")
    return arrived(
        asked.method,
        asked.params,
        asked.meta,
        asked.request,
        {
            semconv.JSONRPC_REQUEST_ID: _number(asked.request_id),
            semconv.MCP_PROTOCOL_VERSION: asked.protocol_version,
        },
    )


def _begin_asked(session: Any, args: Any, kwargs: Any) -> Any:
    """``ClientSession._on_request(dctx, method, params)``."""
    params = argument(args, kwargs, 2, "params")
    number = getattr(argument(args, kwargs, 0, "dctx"), "request_id", None)
    known: dict[str, Any] = {semconv.JSONRPC_REQUEST_ID: _number(number)}
    known[semconv.MCP_PROTOCOL_VERSION] = getattr(session, "_negotiated_version", None)
    method, meta = argument(args, kwargs, 1, "method"), wire.fields(params).get("_meta")
    return arrived(method, params, meta, None, known)


def _number(value: Any) -> Any:
    return None if value is None else str(value)


def _finish_2(handle: Any, result: Any) -> None:
    if isinstance(handle, Exchange):
        handle.answer(result)


_SERVE_2: Final = around(_begin_2, _finish_2)[1]


async def _serve_2(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    method = getattr(argument(args, kwargs, 0, "ctx"), "method", None)
    if method not in _NO_WORK or not sees():
        return await _SERVE_2(wrapped, owner, args, kwargs)
    token = ctx.attach(ctx.with_value(ctx.current(), OPEN, Quiet()))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        leave(token)


_HANDLE_1, _RECEIVE_1, _GREET_1 = (
    around(opens, _finish_1)[1] for opens in (_begin_1, _begin_received, _begin_greeted)
)
_ASKED_2: Final = around(_begin_asked, _finish_2)[1]


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap where requests are served. Raises LookupError."""
    seams = _SEAMS[module.__name__]
    found: list[str] = []
    for owner_name, method, wrapper in seams:
        owner = module.__dict__.get(owner_name)
        if owner is not None and method in owner.__dict__:
            patches.wrap(owner, method, wrapper)
            found.append(f"{owner_name}.{method}")
    # A client has the one or the other; version 2's servers have it in their middleware.
    needed = seams if module.__name__ == "mcp.client.session" else seams[:1]
    moved = module.__name__ == _LOWLEVEL and "OpenTelemetryMiddleware" in module.__dict__
    if not moved and not any(f"{owner}.{method}" in found for owner, method, _ in needed):
        raise LookupError(f"{module.__name__}.{needed[0][0]}.{needed[0][1]}")
    return f"{module.__name__}: {', '.join(found) or 'by its middleware'}"


_LOWLEVEL: Final = "mcp.server.lowlevel.server"
_SEAMS: Final[dict[str, tuple[tuple[str, str, Any], ...]]] = {
    _LOWLEVEL: (
        ("Server", "_handle_request", _HANDLE_1),
        ("ServerSession", "_received_request", _GREET_1),
    ),
    "mcp.shared.session": (("RequestResponder", "respond", _respond),),
    "mcp.client.session": (
        ("ClientSession", "_received_request", _RECEIVE_1),
        ("ClientSession", "_on_request", _ASKED_2),
    ),
    "mcp.server._otel": (("OpenTelemetryMiddleware", "__call__", _serve_2),),
}
