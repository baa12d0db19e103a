"""What CrewAI's own loop of an agent knows: the tools as the model has them, the ids of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime, wire
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.steps import NextCall
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave

calling: Final = NextCall("otelier-crewai-call")
_IDS: Final = ("id", "toolUseId", "call_id")
# Where the loops are that hand calls to threads, by their identities.
_loops: Final[dict[int, Context]] = {}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes one call of a model's, and what tells an agent's tools."""
    found = []
    for owner in (module.__dict__.get(name) for name in ("AgentExecutor", "CrewAgentExecutor")):
        held = owner.__dict__ if owner is not None else {}
        for method, wrapper in (
            ("_execute_single_native_tool_call", _call),
            ("_setup_native_tools", _offer),
            ("_handle_native_tool_calls", _loop),
        ):
            if method in held:
                patches.wrap(owner, method, wrapper)
                found.append(method)
    if "execute_single_native_tool_call" in module.__dict__:
        patches.wrap(module, "execute_single_native_tool_call", _call)
        found.append("execute_single_native_tool_call")
    if not found:
        raise LookupError(f"{module.__name__}._execute_single_native_tool_call")
    return found[0]


def _loop(wrapped: Callable[..., Any], executor: Any, args: Any, kwargs: Any) -> Any:
    if runtime.current() is None:
        return wrapped(*args, **kwargs)
    _loops[id(executor)] = ctx.current()
    try:
        return wrapped(*args, **kwargs)
    finally:
        _loops.pop(id(executor), None)


def _call(wrapped: Callable[..., Any], executor: Any, args: Any, kwargs: Any) -> Any:
    token = there = None
    try:
        told = wire.fields(argument(args, kwargs, 0, "tool_call")) or kwargs
        name = next((each for each in _IDS if type(told.get(each)) is str), None)
        token = calling.note(None if name is None else told[name])
        held = _loops.get(id(executor))
        if held is not None and ctx.current().get(ctx.STEP) is None:
            # In a thread to which an older version has not taken the context.
            there = ctx.attach(held)
    except Exception:
        guard.failed("crewai.call")
    try:
        return wrapped(*args, **kwargs)
    finally:
        leave(there)
        if token is not None:
            calling.forget(token)


def _offer(wrapped: Callable[..., Any], executor: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        inside = running.current()
        if inside is not None and inside.wants_content:
            offered = reading.private(executor, "_openai_tools")
            if offered:
                inside.set_tools(offered)
    except Exception:
        guard.failed("crewai.offer")
    return result
