"""Which of the model's calls a tool's execution is: Haystack hands over arguments alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

from otelier import guard, runtime, statics, wire
from otelier.frameworks.haystack.tools import calling
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

# Calls by the identity of the arguments that were prepared for them, until those are taken.
_prepared: Final[ContextVar[dict[int, Any] | None]] = ContextVar(
    "otelier-haystack-prepared", default=None
)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes of a model's call what a thread or a task executes."""
    if "_make_context_bound_invoke" in module.__dict__:
        patches.wrap(module, "_make_context_bound_invoke", _bound)
        patches.wrap(module, "_make_bounded_invoke_async", _bound_async)
        return f"{module.__name__}._make_context_bound_invoke"
    owner = module.__dict__.get("ToolInvoker")
    held = owner.__dict__ if owner is not None else {}
    if "_make_context_bound_invoke" in held:
        patches.wrap(owner, "_prepare_tool_call_params", _prepare)
        patches.wrap(owner, "_make_context_bound_invoke", _bound)
    elif "run" not in held:
        raise LookupError(f"{module.__name__}.ToolInvoker.run")
    else:
        # One after the other, as they are asked for.
        patches.wrap(owner, "run", _run)
    return "ToolInvoker.run"


def _prepare(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        if runtime.current() is not None:
            calls = zip(result[0], result[1], strict=True)
            _prepared.set({id(each["final_args"]): call for call, each in calls})
    except Exception:
        guard.failed("haystack.prepared")
    return result


def _bound(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """The context is copied in there."""
    try:
        call = argument(args, kwargs, 2, "tool_call")
        if call is None:
            held = _prepared.get() or {}
            call = held.pop(id(argument(args, kwargs, 1, "final_args")), None)
        token = calling.set(None if call is None else [call])
    except Exception:
        guard.failed("haystack.call")
        return wrapped(*args, **kwargs)
    try:
        return wrapped(*args, **kwargs)
    finally:
        calling.reset(token)


def _bound_async(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """It runs in a task of its own."""
    theirs: Callable[[], Awaitable[Any]] = wrapped(*args, **kwargs)
    call = argument(args, kwargs, 3, "tool_call")

    async def run() -> Any:
        calling.set([call])
        return await theirs()

    return run


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    try:
        said = wire.items(argument(args, kwargs, 0, "messages"))
        parts = (part for each in said for part in wire.items(statics.member(each, "_content")))
        token = calling.set([each for each in parts if statics.member(each, "tool_name")])
    except Exception:
        guard.failed("haystack.calls")
        return wrapped(*args, **kwargs)
    try:
        return wrapped(*args, **kwargs)
    finally:
        calling.reset(token)
