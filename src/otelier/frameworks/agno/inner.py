"""The steps of a workflow, where inner steps are to be seen."""

from __future__ import annotations

import inspect
from typing import Any, Final

from otelier import pipeline
from otelier.frameworks import steps
from otelier.frameworks.agno import reading
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_METHODS: Final = ("execute", "aexecute", "execute_stream", "aexecute_stream")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs one step."""
    owner = module.__dict__.get("Step")
    if owner is None or "execute" not in owner.__dict__:
        raise LookupError("agno.workflow.step.Step.execute")
    run, arun = around(_begin, _finish, lasts=True)
    for method in _METHODS:
        function = owner.__dict__.get(method)
        if function is not None:
            patches.wrap(owner, method, arun if inspect.iscoroutinefunction(function) else run)
    return "Step.execute"


def _begin(step: Any, args: Any, kwargs: Any) -> Handle | None:
    if not steps.inner_steps() or not reading.shown():
        return None
    return steps.begin(pipeline.step(reading.text(step, "name") or "step"))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    return None
