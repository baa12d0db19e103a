"""Components that look in several places at once do so in threads, where no context comes along."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from opentelemetry.context import Context

from otelier import context as ctx
from otelier.hooks.patching import Patches


class _Carrying(ThreadPoolExecutor):
    """A pool, in whose threads the context is that in which the work was handed over."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(_there, ctx.current(), fn, *args, **kwargs)


def _there(context: Context, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    token = ctx.attach(context)
    try:
        return function(*args, **kwargs)
    finally:
        ctx.detach(token)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put a pool that carries the context in the place of the plain one."""
    if module.__dict__.get("ThreadPoolExecutor") is not ThreadPoolExecutor:
        raise LookupError(f"{module.__name__}.ThreadPoolExecutor")
    patches.replace(module, "ThreadPoolExecutor", _Carrying)
    return f"{module.__name__}.ThreadPoolExecutor"
