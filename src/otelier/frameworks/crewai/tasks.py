"""Tasks: what runs in a thread of its own stays where it was begun.

Where inner steps are asked for, each is one: what its agent does until a guardrail is content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, pipeline, runtime
from otelier.frameworks.crewai import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import leave

# Where tasks were begun that no thread has taken yet, by their identities.
_handed: Final[dict[int, Context]] = {}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a task."""
    owner = module.__dict__.get("Task")
    if owner is None or "_execute_core" not in owner.__dict__:
        raise LookupError("crewai.task.Task._execute_core")
    run, arun = around(_begin, _finish)
    patches.wrap(owner, "_execute_core", run)
    if "_aexecute_core" in owner.__dict__:
        patches.wrap(owner, "_aexecute_core", arun)
    start = getattr(owner.__dict__.get("execute_async"), "__code__", None)
    # Newer versions take the context along themselves.
    if start is not None and "copy_context" not in start.co_names:
        patches.wrap(owner, "execute_async", _hand_over)
        patches.wrap(owner, "_execute_task_async", _take_over)
    return "Task._execute_core"


def _begin(task: Any, args: Any, kwargs: Any) -> Handle | None:
    if not running.inner():
        return None
    # Its description is content, and no name.
    return running.begin(pipeline.step(reading.text(task, "name") or "task"))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    """What came of it is what came of its agent."""


def _hand_over(wrapped: Callable[..., Any], task: Any, args: Any, kwargs: Any) -> Any:
    if runtime.current() is None:
        return wrapped(*args, **kwargs)
    _handed[id(task)] = ctx.current()
    try:
        return wrapped(*args, **kwargs)
    except BaseException:
        _handed.pop(id(task), None)
        raise


def _take_over(wrapped: Callable[..., Any], task: Any, args: Any, kwargs: Any) -> Any:
    token = None
    try:
        held = _handed.pop(id(task), None)
        token = None if held is None else ctx.attach(held)
    except Exception:
        guard.failed("crewai.thread")
    try:
        return wrapped(*args, **kwargs)
    finally:
        leave(token)
