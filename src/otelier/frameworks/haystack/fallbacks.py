"""Generators of which one stands in for another: the program's own are called directly there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from otelier.frameworks.haystack import generators
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what asks one of them."""
    owner = module.__dict__.get("FallbackChatGenerator")
    if owner is None or "_run_single_sync" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.FallbackChatGenerator._run_single_sync")
    patches.wrap(owner, "_run_single_sync", _run)
    patches.wrap(owner, "_run_single_async", _arun)
    return "FallbackChatGenerator._run_single_sync"


def _one(call: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any, Any]:
    """The call, as if it was the generator's own method."""
    given = {
        "messages": argument(args, kwargs, 1, "messages"),
        "generation_kwargs": argument(args, kwargs, 2, "generation_kwargs"),
        "tools": argument(args, kwargs, 3, "tools"),
    }
    return (lambda **_: call(*args, **kwargs)), argument(args, kwargs, 0, "gen"), (), given


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    return generators.AROUND[0](*_one(wrapped, args, kwargs))


async def _arun(wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any) -> Any:
    return await generators.AROUND[1](*_one(wrapped, args, kwargs))
