"""Pipelines inside of a component: what the workflow is called, and which are Haystack's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Token
from typing import Any, Final

from otelier import guard, runtime, statics
from otelier.frameworks.haystack import reading
from otelier.frameworks.haystack.flows import naming
from otelier.hooks.patching import Patches

# The class that programs make them of. Others of Haystack's are tools of the trade.
_PLAIN: Final = "SuperComponent"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs the pipeline of a component."""
    found = []
    for owner in (module.__dict__.get("_SuperComponent"), module.__dict__.get(_PLAIN)):
        for name, wrapper in (("run", _run), ("run_async", _arun)):
            if owner is not None and name in owner.__dict__:
                patches.wrap(owner, name, wrapper)
                found.append(f"{owner.__name__}.{name}")
    if not found:
        raise LookupError(f"{module.__name__}.{_PLAIN}.run")
    return found[0]


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    token = _named(owner)
    try:
        return wrapped(*args, **kwargs)
    finally:
        _forgotten(token)


async def _arun(wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any) -> Any:
    token = _named(owner)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _forgotten(token)


def _named(owner: Any) -> Token[Any] | None:
    try:
        if runtime.current() is None:
            return None
        kind = type(owner)
        plain = statics.name(kind) in (_PLAIN, f"_{_PLAIN}")
        own = reading.is_own(kind)
        name = reading.name(owner) or (None if own else statics.name(kind))
        return naming.set((id(statics.member(owner, "pipeline")), name, own and not plain))
    except Exception:
        guard.failed("haystack.super")
        return None


def _forgotten(token: Token[Any] | None) -> None:
    try:
        if token is not None:
            naming.reset(token)
    except ValueError:  # A coroutine that another context closes.
        pass
