"""Tools: where one is executed, by a model's call or by the code that an agent has written."""

from __future__ import annotations

from typing import Any, Final

from otelier import leaving, pipeline, statics
from otelier.executed import Executed
from otelier.frameworks import steps
from otelier.frameworks.smolagents import calls, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.runners import patch_tool

# How an agent says that it is done: no tool of anybody's.
_DONE: Final = ("smolagents.default_tools", "FinalAnswerTool")


class _Left(GeneratorExit):
    """An agent that is run by a tool was interrupted: that is no failure."""


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a tool: of each class that does it its own way."""
    found = []
    for name in ("Tool", "PipelineTool"):
        kind = module.__dict__.get(name)
        if kind is not None and "__call__" in kind.__dict__:
            patch_tool(kind, "__call__", _begin, _finish, patches, blame)
            found.append(f"{name}.__call__")
    if not found:
        raise LookupError(f"{module.__name__}.Tool.__call__")
    return ", ".join(found)


def blame(error: BaseException) -> BaseException:
    """What a tool has raised; an agent that was interrupted in it has not failed."""
    return _Left() if running.left(error) == leaving.CANCELLED else error


def _begin(tool: Any, args: Any, kwargs: Any) -> Handle | None:
    if statics.identity(type(tool)) == _DONE or not running.shown():
        return None
    step = pipeline.tool(
        reading.text(tool, "name") or "",
        description=reading.text(tool, "description"),
        call_id=calls.calling.taken(),
        arguments=reading.arguments(tool, args, kwargs),
    )
    handle = steps.begin(step, made=Executed)
    if isinstance(handle, Executed):
        function = statics.on_class(type(tool), "forward")
        handle.function = function.__func__ if type(function) is staticmethod else function
    return handle


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    told = isinstance(handle, Executed) and handle.told
    if result is not None and not told and handle.wants_content and not statics.iterates(result):
        handle.set_result(reading.plain(result))
