"""Tools: where one is executed. What CrewAI's cache answers is not executed, and has no span."""

from __future__ import annotations

from types import MethodType
from typing import Any, Final

from otelier import pipeline, statics
from otelier.executed import Executed
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.crewai.executors import calling
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.runners import patch_tool

_ADDED: Final = "security_context"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a tool: of each class that does it its own way."""
    found = []
    for owner, method in (
        ("BaseTool", "run"),
        ("BaseTool", "arun"),
        ("Tool", "run"),
        ("Tool", "arun"),
        ("CrewStructuredTool", "invoke"),
        ("CrewStructuredTool", "ainvoke"),
    ):
        kind = module.__dict__.get(owner)
        function = kind.__dict__.get(method) if kind is not None else None
        # What a module only imports is patched where it is made.
        if function is not None and reading.made_in(module, function):
            begin = _invoke if owner == "CrewStructuredTool" else _run
            patch_tool(kind, method, begin, _finish, patches)
            found.append(f"{owner}.{method}")
    if not found:
        raise LookupError(f"{module.__name__}.BaseTool.run")
    return found[0]


def _run(tool: Any, args: Any, kwargs: Any) -> Handle | None:
    if args:
        schema = statics.member(tool, "args_schema")
        names = statics.on_class(schema, "__pydantic_fields__") if schema is not None else None
        kwargs = {**dict(zip(names or (), args, strict=False)), **kwargs}
    return _begin(tool, tool, kwargs)


def _invoke(tool: Any, args: Any, kwargs: Any) -> Handle | None:
    given = argument(args, kwargs, 0, "input")
    if type(given) is dict and _ADDED in given:
        # CrewAI's own, beside what the model has said.
        given = {name: value for name, value in given.items() if name != _ADDED}
    return _begin(tool, _original(tool), given)


def _original(tool: Any) -> Any:
    """The tool that the program made, of what CrewAI has made of it."""
    found = reading.private(tool, "_original_tool")
    if found is None:
        # Older versions keep its method alone.
        function = statics.member(tool, "func")
        found = function.__self__ if type(function) is MethodType else tool
    return found


def _begin(tool: Any, original: Any, arguments: Any) -> Handle | None:
    if not running.shown():
        return None
    step = pipeline.tool(
        reading.text(original, "name") or "",
        description=reading.description(tool),
        call_id=calling.taken(),
        arguments=arguments or None,
    )
    handle = running.begin(step, Executed)
    if isinstance(handle, Executed):
        function = statics.member(original, "func")
        handle.function = function or statics.on_class(type(original), "_run")
    return handle


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if statics.identity(type(result)) == ("crewai.tools.tool_failure", "ToolFailure"):
        reason = statics.member(statics.member(result, "reason"), "_value_")
        kind = reason if type(reason) is str else "tool_error"
        handle.fail(kind, reading.text(result, "message"), told=True)
        return
    told = isinstance(handle, Executed) and handle.told
    if result is not None and not told and handle.wants_content and not statics.iterates(result):
        handle.set_result(result)
