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
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span

from otelier import context as ctx
from otelier import guard, pipeline, semconv, statics, theirs
from otelier.executed import Executed
from otelier.frameworks import lent, steps
from otelier.frameworks.semantic_kernel import elsewhere, others, prompts, reading, switches
from otelier.handle import Handle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave
from otelier.semconv import Attributes

_SEAM: Final = "start_as_current_span"
# The function that runs, in the context of what it does.
CALLED: Final = create_key("otelier-semantic-kernel-function")
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
            is_prompt = not call_id and reading.is_prompt(function)
            nameless = is_prompt and prompts.nameless()
            if nameless and ctx.current().get(ctx.STEP) is not None:
                return nullcontext(INVALID_SPAN)
            name = None if nameless else reading.called(function)
            return Called(make(), function, name, is_prompt, call_id)
    except Exception:
        guard.failed("semantic_kernel.function")
    return make()


class Called:
    """One call of a function: the framework's span of it, and our step on that."""

    __slots__ = ("_call_id", "_is_prompt", "_name", "_native", "_token", "function", "handle")

    def __init__(
        self, native: Any, function: Any, name: str | None, is_prompt: bool, call_id: Any
    ) -> None:
        self._native = native
        self.function = function
        self._name = name
        self._is_prompt = is_prompt
        self._call_id = call_id
        self.handle: Handle | None = None
        self._token: Any = None

    def __enter__(self) -> Any:
        outside = ctx.current()
        span = self._native.__enter__()
        try:
            self._begin(span, outside)
        except Exception:
            guard.failed("semantic_kernel.begin")
        return span

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> Any:
        try:
            leave(self._token)
            if self.handle is not None:
                self._no_tool(self.handle.span)
                lent.close(self.handle, error)
                if error is not None:
                    lent.failed(self.handle.span, error)
        except Exception:
            guard.failed("semantic_kernel.end")
        return self._native.__exit__(kind, error, trace)

    def _begin(self, span: Span, outside: Context) -> None:
        parent = ctx.with_value(ctx.current(), CALLED, self)
        if _is_own(span, outside):
            if elsewhere.goes(span, outside):
                return
            self.handle = self._lent(span, parent)
        else:
            self.handle = steps.begin(self._step(), parent, made=self._made())
            if self._is_prompt and self.handle is not None:
                self.handle.mirror()
        if isinstance(self.handle, Executed):
            self.handle.function = statics.storage(self.function).get("method")
        if self.handle is not None:
            self._token = self.handle.enter()

    def _lent(self, span: Any, parent: Context) -> Handle | None:
        attributes: Attributes = {}
        if self._is_prompt:
            theirs.rename(span, " ".join(filter(None, (semconv.INVOKE_WORKFLOW, self._name))))
            attributes[semconv.OPERATION_NAME] = semconv.INVOKE_WORKFLOW
            if self._name:
                attributes[semconv.WORKFLOW_NAME] = self._name
        else:
            attributes[semconv.OPERATION_NAME] = semconv.EXECUTE_TOOL
            # Older versions' spans have the name of the function alone.
            theirs.rename(span, " ".join(filter(None, (semconv.EXECUTE_TOOL, self._name))))
            known = statics.storage(self.function).get("metadata")
            told = reading.string(known, "description")
            if told:
                attributes[semconv.TOOL_DESCRIPTION] = told
            if self._name:
                attributes[semconv.TOOL_NAME] = self._name
            if type(self._call_id) is str:
                attributes[semconv.TOOL_CALL_ID] = self._call_id
        span.set_attributes(attributes)
        return lent.lend(span, parent, attributes)

    def _no_tool(self, span: Any) -> None:
        if self._is_prompt and span.is_recording():
            theirs.drop(getattr(span, "_attributes", {}), _NO_TOOL)

    def _step(self) -> Any:
        if self._is_prompt:
            return pipeline.workflow(self._name)
        known = statics.storage(self.function).get("metadata")
        return pipeline.tool(
            self._name or "",
            description=reading.string(known, "description"),
            call_id=self._call_id if type(self._call_id) is str else None,
        )

    def _made(self) -> type[Handle]:
        return Handle if self._is_prompt else Executed


def _is_own(span: Span, outside: Context) -> bool:
    """Whether a span is one: without a provider, the framework has that of what is around it."""
    told = span.get_span_context()
    return told.is_valid and told.span_id != get_current_span(outside).get_span_context().span_id
