"""How all of Haystack's steps begin and fail: unless somebody else shows them already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import context as ctx
from otelier import runtime, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.handle import Handle
from otelier.hooks import foreign

NAME: Final = "haystack"
# What other instrumentations wrap: module, class, method.
_SEAMS: Final = (
    ("haystack.core.pipeline.pipeline", "Pipeline", "run"),
    ("haystack.core.pipeline.pipeline", "Pipeline", "_run_component"),
    ("haystack.core.pipeline.async_pipeline", "AsyncPipeline", "run_async"),
)
# What Haystack raises in the place of what was raised in a step.
_WRAPS: Final = frozenset({"PipelineRuntimeError", "ToolInvocationError"})
# How a run stops where the program wants it to.
_STOPS: Final = "BreakpointException"
_MOST: Final = 10
_cause: Final = BaseException.__dict__["__cause__"].__get__


class Running(Handle):
    """A step of Haystack's. What was raised in it is its error, and a breakpoint is none."""

    __slots__ = ()

    def end(self, error: BaseException | None = None) -> None:
        """End the step, once."""
        super().end(blamed(error))


def begin(
    step: Step, made: type[Handle] = Running, conversation_id: str | None = None
) -> Handle | None:
    """Begin a step here; None where nothing is to be seen."""
    return steps.begin(step, made=made, conversation_id=conversation_id)


def shown() -> bool:
    """Whether Haystack's steps are ours to show."""
    return steps.shown(NAME, _wrappers)


def inner() -> bool:
    """Whether inner steps are to be seen."""
    return steps.inner_steps() and shown()


def takes_content() -> bool:
    """Whether content may be in spans that begin here."""
    run = runtime.current()
    return run is not None and run.captures(ctx.current()).spans


def blamed(error: BaseException | None) -> BaseException | None:
    """What was raised in a step, of what Haystack raises in its place; None of a breakpoint."""
    for _ in range(_MOST):
        if error is None or _is(error, _STOPS):
            return None
        cause = _cause(error)
        if cause is None or not any(_is(error, name) for name in _WRAPS):
            break
        error = cause
    return error


def _is(error: BaseException, name: str) -> bool:
    return any(
        statics.name(base) == name and statics.identity(base)[0].partition(".")[0] == "haystack"
        for base in statics.bases(type(error))
    )


def _wrappers() -> Iterator[Any]:
    return foreign.wrappers(_SEAMS)
