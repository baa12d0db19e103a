"""Google ADK's tools: a step on its own span, with what goes in and what comes out."""

from __future__ import annotations

from typing import Any, Final

import wrapt

from otelier import context as ctx
from otelier import natives, semconv, statics
from otelier.executed import Executed
from otelier.frameworks import lent
from otelier.frameworks.google_adk import metering, native
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# ``(tool, args, tool_context)``: what all tools are called through. It moves about; the classes
# that most tools are made of stay.
_SEAMS: Final = ("__call_tool_async", "_call_tool_async")
_CLASSES: Final = ("FunctionTool", "AgentTool")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the function that calls a tool, or a tool's own method, in each module that has it."""
    for name in _SEAMS:
        function = module.__dict__.get(name)
        if function is None:
            continue
        # A module that has it from another that was hooked before.
        if not isinstance(function, wrapt.FunctionWrapper):
            patches.wrap(module, name, around(_called, _finish)[1])
        return f"{module.__name__}.{name}"
    for name in _CLASSES:
        tool = module.__dict__.get(name)
        if isinstance(tool, type) and "run_async" in tool.__dict__:
            patches.wrap(tool, "run_async", around(_runs, _finish)[1])
            return f"{module.__name__}.{name}.run_async"
    raise LookupError("no function that calls a tool")


def _called(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    tool = argument(args, kwargs, 0, "tool")
    return _begin(tool, argument(args, kwargs, 1, "args"))


def _runs(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    return _begin(owner, argument(args, kwargs, 0, "args"))


def _begin(tool: Any, given: Any) -> Handle | None:
    span: Any = natives.current(native.SCOPE)
    if span is None:
        return None
    held: Any = ctx.current().get(ctx.STEP)
    if isinstance(held, Handle) and held.span is span:
        return None
    operation, attribute, name = native.kind(span.name)
    if operation != semconv.EXECUTE_TOOL:
        return None
    handle = lent.lend(
        span,
        ctx.current(),
        {semconv.OPERATION_NAME: operation, attribute: name},
        measured=not metering.measures("record_tool_execution_duration"),
    )
    if handle is None:
        return None
    if isinstance(handle, Executed):
        handle.function = statics.storage(tool).get("func")
    handle.set_arguments(given)
    return handle


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    told = isinstance(handle, Executed) and handle.told
    if result is not None and not told:
        handle.set_result(result)
