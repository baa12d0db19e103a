"""A framework's run of a model, above the SDK that makes the call: one inference span for both.

The framework marks where its run began. The first model call that is seen below has the span, and
belongs there; where none is seen until the run is over (a local model, a client of the program's
own, a fake one), the framework makes the span itself (:mod:`otelier.frameworks.models`).

The mark may be left behind in a context that goes on, of a program that reads a stream: by then the
stream's own request has been seen, and nothing more comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter, time_ns
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import runtime, semconv


def now() -> tuple[float, int]:
    """Now, by both clocks: for how long, and when."""
    return perf_counter(), time_ns()


class ModelRun:
    """One run. ``context`` is where its call belongs, if that is not where it is made."""

    __slots__ = ("__weakref__", "began", "context", "seen", "where")

    def __init__(self, context: Context | None = None) -> None:
        self.context = context
        # Where the run began.
        self.where = runtime.here() if context is None else context
        self.began = now()
        # Whether somebody has a span of its call.
        self.seen = False


mark: Final[ContextVar[ModelRun | None]] = ContextVar("otelier-model-run", default=None)


def here(operation: str) -> Context:
    """The context in which a model call begins."""
    run, context = mark.get(), None
    if run is not None and not run.seen and operation in semconv.INFERENCE:
        run.seen, context = True, run.context
    # As runtime.here() does, of which this is a hot place.
    if context is None:
        context = ctx.current()
    return runtime.narrowed(context) if ctx.around.get() else context


def elsewhere() -> None:
    """Another instrumentation takes the call that is made here."""
    run = mark.get()
    if run is not None:
        run.seen = True


def noted(attributes: Any, marked: Callable[[Any], bool]) -> None:
    """Somebody else's span with these attributes begins or ends here: maybe of the call.

    ``marked``: whether attributes without an operation say so.
    """
    run = mark.get()
    if run is not None and not run.seen and attributes:
        inference = attributes.get(semconv.OPERATION_NAME) in semconv.INFERENCE
        run.seen = inference or marked(attributes)
