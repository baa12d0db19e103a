"""A span of the framework's that stays, and is a step as ours are while its block runs."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, get_current_span

from otelier import context as ctx
from otelier import guard, semconv, theirs
from otelier.declared import Step
from otelier.frameworks import lent, steps
from otelier.frameworks.semantic_kernel import elsewhere
from otelier.handle import Handle
from otelier.returned import leave
from otelier.semconv import Attributes


class Kept:
    """The block of a span. Without a provider of the framework's, the span is ours."""

    __slots__ = ("_attributes", "_made", "_native", "_step", "_token", "handle")

    def __init__(
        self, native: Any, step: Step, attributes: Attributes, made: type[Handle] = Handle
    ) -> None:
        """``native`` is the framework's block; ``attributes`` are what its span should say.

        ``step`` and ``made`` are of a span that is ours.
        """
        self._native = native
        self._step = step
        self._attributes = attributes
        self._made = made
        self._token: Any = None
        self.handle: Handle | None = None

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
                self._ends(self.handle.span)
                lent.close(self.handle, error)
                if error is not None:
                    lent.failed(self.handle.span, error)
        except Exception:
            guard.failed("semantic_kernel.end")
        return self._native.__exit__(kind, error, trace)

    def _begin(self, span: Any, outside: Context) -> None:
        parent = self._inside(ctx.current())
        if not _is_own(span, outside):
            self.handle = steps.begin(self._step, parent, made=self._made)
            if self.handle is not None:
                self.handle.mirror()
        elif not elsewhere.goes(span, outside):
            theirs.rename(span, _title(self._attributes))
            span.set_attributes(self._attributes)
            self.handle = lent.lend(span, parent, self._attributes)
        if self.handle is not None:
            self._begun(self.handle)
            self._token = self.handle.enter()

    def _inside(self, parent: Context) -> Context:
        return parent

    def _begun(self, handle: Handle) -> None:
        """The step has begun."""

    def _ends(self, span: Span) -> None:
        """The span is about to end."""


_NAMES = (semconv.TOOL_NAME, semconv.WORKFLOW_NAME, semconv.AGENT_NAME)


def _title(attributes: Attributes) -> str:
    parts = (attributes.get(semconv.OPERATION_NAME), *map(attributes.get, _NAMES))
    return " ".join(str(each) for each in parts if each)


def _is_own(span: Span, outside: Context) -> bool:
    """Whether a span is one: without a provider, the framework has that of what is around it."""
    told = span.get_span_context()
    return told.is_valid and told.span_id != get_current_span(outside).get_span_context().span_id
