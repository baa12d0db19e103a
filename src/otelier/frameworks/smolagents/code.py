"""The code that an agent writes: its execution is a tool's, which smolagents names so."""

from __future__ import annotations

from typing import Any, Final

from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.smolagents import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# As smolagents tells the model.
_NAME: Final = "python_interpreter"
# Here or elsewhere; before 1.9 under another name.
_EXECUTORS: Final = ("LocalPythonExecutor", "LocalPythonInterpreter", "RemotePythonExecutor")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes code."""
    for name in _EXECUTORS:
        owner = module.__dict__.get(name)
        if owner is not None and "__call__" in owner.__dict__:
            patches.wrap(owner, "__call__", around(_begin, _finish)[0])
            return f"{name}.__call__"
    raise LookupError(f"{module.__name__}.{_EXECUTORS[0]}.__call__")


def _begin(executor: Any, args: Any, kwargs: Any) -> Handle | None:
    if not running.shown():
        return None
    code = argument(args, kwargs, 0, "code_action")
    return steps.begin(pipeline.tool(_NAME, arguments={"code": code}))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    told = wire.items(result)
    if told:
        # Before 1.21 it is a tuple.
        output, logs = (*told, None)[:2]
    else:
        output, logs = (statics.member(result, name) for name in ("output", "logs"))
    found = {"output": reading.plain(output), "logs": logs}
    handle.set_result(
        {
            name: value
            for name, value in found.items()
            if value not in (None, "") and not statics.iterates(value)
        }
    )
