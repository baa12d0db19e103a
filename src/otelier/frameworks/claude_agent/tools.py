"""Tools that run in this process, where what calls them does not bring its context along.

With mcp 2, and before the SDK gave messages to a server's own loop, the context of the request is
that of the tool. In between (mcp 1) the loop's is: the request is found again by its ids.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, wire
from otelier.hooks.patching import Patches

# The program tells so for which call of the model's a tool is run.
CALL_ID: Final = "claudecode/toolUseId"
Key: TypeAlias = "tuple[Any, Any]"

# What is asked of this process now: (the request's id, the tool's name) -> (the call's id, where).
_asked: Final[dict[Key, list[tuple[Any, Context]]]] = {}


class Asked:
    """A tool is asked for, as long as this is open."""

    __slots__ = ("_key", "_one")

    def __init__(self, message: Any, context: Context) -> None:
        raw = wire.fields(message)
        called = wire.fields(raw.get("params"))
        self._key: Key = (raw.get("id"), called.get("name"))
        self._one = wire.fields(called.get("_meta")).get(CALL_ID), context
        _asked.setdefault(self._key, []).append(self._one)

    def close(self) -> None:
        """It has answered."""
        found = _asked.get(self._key, [])
        found[:] = [each for each in found if each is not self._one]
        if not found:
            _asked.pop(self._key, None)


def _where(name: Any) -> Context | None:
    """The context of the request that mcp 1 handles here; None where that is not certain."""
    request: Any = getattr(sys.modules.get("mcp.server.lowlevel.server"), "request_ctx", None)
    handled = None if request is None else request.get(None)
    if handled is None:
        return None
    found = _asked.get((handled.request_id, name), [])
    call = (getattr(handled.meta, "model_extra", None) or {}).get(CALL_ID)
    if call is not None:
        found = [each for each in found if each[0] == call]
    return found[0][1] if len(found) == 1 else None


def _running(run: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def run_tool(name: Any, arguments: Any) -> Any:
        token = None
        try:
            context = _where(name) if _asked else None
            token = None if context is None else ctx.attach(context)
        except Exception:
            guard.failed("claude_agent.tool")
        try:
            return await run(name, arguments)
        finally:
            if token is not None:
                ctx.detach(token)

    return run_tool


def _build(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    if len(args) == 4:
        args = (*args[:3], _running(args[3]))
    elif "run_tool" in kwargs:
        kwargs = {**kwargs, "run_tool": _running(kwargs["run_tool"])}
    return wrapped(*args, **kwargs)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs the tools of the SDK's own servers."""
    if "build_tool_server" not in vars(module):
        raise LookupError("build_tool_server")
    patches.wrap(module, "build_tool_server", _build)
    return "build_tool_server"
