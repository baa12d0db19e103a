"""Synchronous tools in the threads of earlier versions, which have no context there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier.hooks import threads
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes a synchronous tool asynchronous, unless it takes the context along."""
    if hasattr(module, "contextvars") or not hasattr(module, "sync_to_async"):
        raise LookupError("tools run in the context of their call")
    patches.wrap(module, "sync_to_async", _made)
    return f"{module.__name__}.sync_to_async"


def _made(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    if len(args) != 1 or kwargs:
        return wrapped(*args, **kwargs)
    function = args[0]

    async def run(*given: Any, **named: Any) -> Any:
        return await wrapped(threads.carried(function))(*given, **named)

    return run
