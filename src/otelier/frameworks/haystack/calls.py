"""Which of the model's calls a tool's execution is: Haystack hands over arguments alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import Token
from typing import Any

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime, statics, wire
from otelier.frameworks.haystack.tools import CALLS
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes the model's calls, or makes of one what a thread or a task executes."""
    if "_make_context_bound_invoke" in module.__dict__:
        patches.wrap(module, "_make_context_bound_invoke", _bound)
        patches.wrap(module, "_make_bounded_invoke_async", _bound_async)
        return f"{module.__name__}._make_context_bound_invoke"
    owner = module.__dict__.get("ToolInvoker")
    held = owner.__dict__ if owner is not None else {}
    if "run" not in held:
        raise LookupError(f"{module.__name__}.ToolInvoker.run")
    patches.wrap(owner, "run", _run)
    if "run_async" in held:
        patches.wrap(owner, "run_async", _arun)
    return "ToolInvoker.run"


def _entered(find: Callable[[], Iterable[Any]]) -> Token[Context] | None:
    """What runs from now on are these calls."""
    try:
        if runtime.current() is None:
            return None
        held = {id(call): call for call in find()}
        return ctx.attach(ctx.with_value(ctx.current(), CALLS, held))
    except Exception:
        guard.failed("haystack.calls")
        return None


def _bound(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    # The context is copied in there.
    token = _entered(lambda: [argument(args, kwargs, 2, "tool_call")])
    try:
        return wrapped(*args, **kwargs)
    finally:
        leave(token)


def _bound_async(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    theirs: Callable[[], Awaitable[Any]] = wrapped(*args, **kwargs)

    async def run() -> Any:
        # In a task of its own.
        token = _entered(lambda: [argument(args, kwargs, 3, "tool_call")])
        try:
            return await theirs()
        finally:
            leave(token)

    return run


def _asked(args: Any, kwargs: Any) -> Iterable[Any]:
    for message in wire.items(argument(args, kwargs, 0, "messages")):
        for part in wire.items(statics.member(message, "_content")):
            if statics.member(part, "tool_name") is not None:
                yield part


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    token = _entered(lambda: _asked(args, kwargs))
    try:
        return wrapped(*args, **kwargs)
    finally:
        leave(token)


async def _arun(wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any) -> Any:
    token = _entered(lambda: _asked(args, kwargs))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        leave(token)
