"""Functions of a kernel: tools, and prompts for a model.

The framework has a span for each (``execute_tool Plugin-function``), always on. It stays, and is a
step as ours are. A function that is a prompt, and that no model has called as a tool, is none: it
is what the program has composed, a workflow. Where nobody has named it, it is shown only where
nothing else is around it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard, pipeline, semconv, statics, theirs
from otelier.executed import Executed
from otelier.frameworks.semantic_kernel import others, prompts, reading, switches
from otelier.frameworks.semantic_kernel.kept import Kept
from otelier.handle import Handle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

_SEAM: Final = "start_as_current_span"
# The function that runs, in the context of what it does.
CALLED: Final = create_key("otelier-semantic-kernel-function")
_UNSEEN: Final = create_key("otelier-semantic-kernel-unseen")
# What the framework has put on the span of a prompt, which is no tool.
_NO_TOOL: Final = [
    semconv.TOOL_NAME,
    semconv.TOOL_DESCRIPTION,
    semconv.TOOL_CALL_ARGUMENTS,
    semconv.TOOL_CALL_RESULT,
]


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes the span of a function."""
    if _SEAM not in module.__dict__:
        raise LookupError(f"{module.__name__}.{_SEAM}")
    patches.wrap(module, _SEAM, _started)
    switches.tighten(module, patches)
    return f"function_tracer.{_SEAM}"


def _started(wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
    known = argument(args, kwargs, 2, "metadata")
    call_id = known.get("id") if type(known) is dict else None
    function = argument(args, kwargs, 1, "function")
    return started(lambda: wrapped(*args, **kwargs), function, call_id)


def started(make: Callable[[], Any], function: Any, call_id: Any) -> Any:
    """What is around a function that runs: its span, which ``make`` makes, and a step on that."""
    try:
        if others.shown():
            hidden: Any = ctx.current().get(_UNSEEN)
            if hidden and hidden.pop():
                return nullcontext(INVALID_SPAN)
            is_prompt = not call_id and reading.is_prompt(function)
            nameless = is_prompt and prompts.nameless()
            if nameless and ctx.current().get(ctx.STEP) is not None:
                return nullcontext(INVALID_SPAN)
            name = None if nameless else reading.called(function)
            return Called(make(), function, name, is_prompt, call_id)
    except Exception:
        guard.failed("semantic_kernel.function")
    return make()


def unseen(context: Context) -> Context:
    """``context``, in which the function that runs next is none that is shown."""
    return ctx.with_value(context, _UNSEEN, [True])


class Called(Kept):
    """A function that runs."""

    __slots__ = ("_is_prompt", "function")

    def __init__(
        self, native: Any, function: Any, name: str | None, is_prompt: bool, call_id: Any
    ) -> None:
        self.function = function
        self._is_prompt = is_prompt
        if is_prompt:
            told: Attributes = {semconv.OPERATION_NAME: semconv.INVOKE_WORKFLOW}
            if name:
                told[semconv.WORKFLOW_NAME] = name
            super().__init__(native, pipeline.workflow(name), told)
            return
        known = statics.storage(function).get("metadata")
        description = reading.string(known, "description")
        call_id = call_id if type(call_id) is str else None
        told = {
            attribute: value
            for attribute, value in (
                (semconv.OPERATION_NAME, semconv.EXECUTE_TOOL),
                (semconv.TOOL_NAME, name),
                (semconv.TOOL_TYPE, "function"),
                (semconv.TOOL_CALL_ID, call_id),
                (semconv.TOOL_DESCRIPTION, description),
            )
            if value
        }
        step = pipeline.tool(name or "", description=description, call_id=call_id)
        super().__init__(native, step, told, Executed)

    def _inside(self, parent: Context) -> Context:
        return ctx.with_value(parent, CALLED, self)

    def _begun(self, handle: Handle) -> None:
        if isinstance(handle, Executed):
            handle.function = statics.storage(self.function).get("method")

    def _ends(self, span: Any) -> None:
        if self._is_prompt and span.is_recording():
            theirs.drop(getattr(span, "_attributes", {}), _NO_TOOL)
