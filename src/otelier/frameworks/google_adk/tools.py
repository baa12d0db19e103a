"""Google ADK's tools: a step on its own span, with what goes in and what comes out."""

from __future__ import annotations

from typing import Any, Final

import wrapt
from opentelemetry.trace import get_current_span

from otelier import context as ctx
from otelier import semconv, statics
from otelier.executed import Executed
from otelier.frameworks import lent
from otelier.frameworks.google_adk import native
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# ``(tool, args, tool_context)``: what all tools are called through.
_SEAMS: Final = ("__call_tool_async", "_call_tool_async")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the function that calls a tool, in each module that has it."""
    _, arun = around(_begin, _finish)
    for name in _SEAMS:
        function = module.__dict__.get(name)
        if function is None:
            continue
        # A module that has it from another that was hooked before.
        if not isinstance(function, wrapt.FunctionWrapper):
            patches.wrap(module, name, arun)
        return f"{module.__name__}.{name}"
    raise LookupError("no function that calls a tool")


def _begin(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    tool = args[0] if args else kwargs.get("tool")
    given = args[1] if len(args) > 1 else kwargs.get("args")
    span: Any = get_current_span()
    if not span.is_recording() or span.instrumentation_scope.name != native.SCOPE:
        return None
    operation, attribute, name = native.kind(span.name)
    if operation != semconv.EXECUTE_TOOL:
        return None
    handle = lent.lend(
        span, ctx.current(), {semconv.OPERATION_NAME: operation, attribute: name}, measured=False
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
