"""Processes: one run of a process is a workflow; its steps are inner ones.

A step is a function of the kernel's, and no tool: like a node of a graph it is shown with
``OTELIER_FRAMEWORK_STEPS=all`` alone, as the framework shows it.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import pipeline, statics
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel import functions, others, reading, streams
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_RUNS: Final = (("LocalKernelProcessContext", "start_with_event"), ("LocalStep", "invoke_function"))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a process, or one of its steps."""
    for name, seam in _RUNS:
        owner = module.__dict__.get(name)
        if owner is not None and owner.__module__ == module.__name__ and seam in owner.__dict__:
            patches.wrap(owner, seam, _step if name == "LocalStep" else _process)
            return f"{name}.{seam}"
    raise LookupError(f"{module.__name__}: nothing that runs")


def _begin(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    if not others.shown():
        return None
    local = statics.storage(owner).get("local_process")
    state = statics.storage(statics.storage(local).get("process")).get("state")
    return steps.begin(pipeline.workflow(reading.string(state, "name")))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    """A process gives nothing back."""


_process: Final = around(_begin, _finish)[1]


def _unseen(owner: Any, args: Any, kwargs: Any) -> Context | None:
    seen = steps.inner_steps() or not others.shown()
    return None if seen else functions.unseen(ctx.current())


_step: Final = streams.within(_unseen)
