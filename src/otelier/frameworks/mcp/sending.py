"""Requests that are sent, by clients and, in the middle of a request, by servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import runtime, semconv, statics, wire
from otelier.frameworks.mcp import carrier, outer, transports
from otelier.frameworks.mcp.arrivals import sees
from otelier.frameworks.mcp.exchange import OPEN, Exchange, begin
from otelier.frameworks.mcp.outer import Outer
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.semconv import Attributes

_VERSION: Final = "io.modelcontextprotocol/protocolVersion"


def _begin(owner: Any, method: Any, params: Any, known: Attributes) -> Any:
    """A request is to be sent: its span, or the tool's that there is already."""
    if not sees():
        return None
    known.update(transports.known(owner))
    handle = outer.found(method, params, known) or begin(method, params, False, None, known)
    if handle is not None:
        handle.request = owner
        carrier.sent(handle)
    return handle


def _finish(handle: Any, result: Any) -> None:
    """A request was answered."""
    if not isinstance(handle, Exchange | Outer):
        return
    owner, handle.request = handle.request, None
    greets = isinstance(handle, Exchange) and handle.method == "initialize"
    if greets:
        transports.speaks(owner, result)
    if greets or handle.get(semconv.NETWORK_TRANSPORT) is None:
        # Whoever sends what is written may not have been there when it began.
        for name, value in transports.known(owner).items():
            handle.set(name, value)
    handle.answer(result)


# --- version 1 --------------------------------------------------------------------------------


def _begin_1(session: Any, args: Any, kwargs: Any) -> Any:
    inner = wire.fields(argument(args, kwargs, 0, "request")).get("root")
    asked = wire.fields(inner)
    known: Attributes = {}
    # The next one, as it is given out before anything is waited for.
    number = statics.member(session, "_request_id")
    if isinstance(number, int):
        known[semconv.JSONRPC_REQUEST_ID] = str(number)
    return _begin(session, asked.get("method"), asked.get("params"), known)


_AROUND_1: Final = around(_begin_1, _finish)[1]


async def _send_1(wrapped: Callable[..., Any], session: Any, args: Any, kwargs: Any) -> Any:
    """Around ``BaseSession.send_request``: the context that travels is the one inside."""

    async def send(*given: Any, **named: Any) -> Any:
        here: Any = ctx.current().get(OPEN)
        # Not where nothing is seen, or others do it.
        if isinstance(here, Exchange | Outer) and here.request is session:
            given, named = carrier.carrying(given, named)
        return await wrapped(*given, **named)

    return await _AROUND_1(send, session, args, kwargs)


# --- version 2 --------------------------------------------------------------------------------


def _begin_2(dispatcher: Any, args: Any, kwargs: Any) -> Any:
    method, params = argument(args, kwargs, 0, "method"), argument(args, kwargs, 1, "params")
    known: Attributes = {}
    # Since 2026-07-28 each request says it.
    version = wire.fields(wire.fields(params).get("_meta")).get(_VERSION)
    if isinstance(version, str):
        known[semconv.MCP_PROTOCOL_VERSION] = version
    return _begin(dispatcher, method, params, known)


_SEND_2: Final = around(_begin_2, _finish)[1]


def _inject(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """Around the SDK's own writing of ``_meta``."""
    run = runtime.current()
    if run is not None and not run.settings.mcp_meta:
        return None
    return wrapped(*args, **kwargs)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap where requests are sent. Raises LookupError."""
    owner_name, method, wrapper = _SEAMS[module.__name__]
    owner = getattr(module, owner_name, None)
    if owner is None or method not in owner.__dict__:
        raise LookupError(f"{module.__name__}.{owner_name}.{method}")
    patches.wrap(owner, method, wrapper)
    if "inject_trace_context" in module.__dict__:
        patches.wrap(module, "inject_trace_context", _inject)
    return f"{module.__name__}.{owner_name}.{method}"


_SEAMS: Final[dict[str, tuple[str, str, Any]]] = {
    "mcp.shared.session": ("BaseSession", "send_request", _send_1),
    "mcp.shared.jsonrpc_dispatcher": ("JSONRPCDispatcher", "send_raw_request", _SEND_2),
    # In one process: who is asked is called at once.
    "mcp.shared.direct_dispatcher": ("DirectDispatcher", "_dispatch_request", _SEND_2),
}
