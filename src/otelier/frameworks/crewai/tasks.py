"""Tasks, where inner steps are asked for: what an agent does again until a guardrail is content."""

from __future__ import annotations

from typing import Any

from otelier import pipeline
from otelier.frameworks.crewai import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a task."""
    owner = module.__dict__.get("Task")
    if owner is None or "_execute_core" not in owner.__dict__:
        raise LookupError("crewai.task.Task._execute_core")
    run, arun = around(_begin, _finish)
    patches.wrap(owner, "_execute_core", run)
    if "_aexecute_core" in owner.__dict__:
        patches.wrap(owner, "_aexecute_core", arun)
    return "Task._execute_core"


def _begin(task: Any, args: Any, kwargs: Any) -> Handle | None:
    # Its description is content, and no name.
    return (
        running.begin(pipeline.step(reading.text(task, "name") or "task"))
        if running.inner()
        else None
    )


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    """What came of it is what came of its agent."""
