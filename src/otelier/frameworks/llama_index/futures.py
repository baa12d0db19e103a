"""Workflows of earlier versions, whose ``run`` returns a future.

The dispatcher tells that such a run is over from wherever that is found out. Where it was started
nothing may stay current: the tasks in which it goes on have a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import context as ctx
from otelier import guard
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap ``Workflow.run`` where the dispatcher knows it."""
    owner = getattr(module, "Workflow", None)
    run = None if owner is None else owner.__dict__.get("run")
    if run is None or not hasattr(run, "__dispatcher_span_decorated__"):
        raise LookupError("runs of workflows return no future")
    patches.wrap(owner, "run", _run)
    return f"{module.__name__}.Workflow.run"


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    before = ctx.current()
    try:
        return wrapped(*args, **kwargs)
    finally:
        try:
            if ctx.current() is not before:
                ctx.attach(before)
        except Exception:
            guard.failed("llama_index.futures")
