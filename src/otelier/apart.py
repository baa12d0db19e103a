"""Spans that SDKs make for another backend than ours: neither side's parents are the other's.

Some SDKs have telemetry of their own that the user may send to a TracerProvider of its own
(``Anthropic(open_telemetry={"tracer_provider": …})``, Mistral's ``dedicated``). Such spans keep the
parents that they have without otelier, and ours are as if they were not there.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, Span, get_current_span
from opentelemetry.util.types import Attributes

from otelier import context as ctx
from otelier import guard, runtime
from otelier.runtime import Runtime

# For each span of another backend, the one of ours that stands in its place; often none.
homes: weakref.WeakKeyDictionary[Span, Span] = weakref.WeakKeyDictionary()


def shared(provider: Any) -> bool:
    """Whether spans of ``provider`` (or of a tracer) go where the running otelier's go."""
    run = runtime.current()
    ours: Any = None if run is None else run.tracer_provider
    if ours is None:
        ours = trace.get_tracer_provider()
    return provider is ours or _exports(provider) is _exports(ours)


def _exports(provider: Any) -> Any:
    # Providers that are not the SDK's export by themselves. A tracer has its provider's processor;
    # one that was made before there was a provider has a tracer within.
    provider = getattr(provider, "_tracer", provider)
    found = getattr(provider, "_active_span_processor", None)
    return getattr(provider, "span_processor", provider) if found is None else found


def belongs(span: Span, run: Runtime) -> bool:
    """Whether a span goes where those of ``run`` go; True where that cannot be seen."""
    if span in homes:
        return False
    theirs = getattr(span, "_span_processor", None)
    ours = getattr(
        run.tracer_provider or trace.get_tracer_provider(), "_active_span_processor", None
    )
    return theirs is None or ours is None or theirs is ours


def home(context: Context) -> Context:
    """``context`` without a span that an SDK made for another backend: for parents of ours."""
    found = homes.get(get_current_span(context))
    return context if found is None else trace.set_span_in_context(found, context)


def above(span: Span, context: Context) -> Context:
    """``context`` with the parent of ``span`` current in its place."""
    parent = getattr(span, "parent", None)
    return trace.set_span_in_context(
        INVALID_SPAN if parent is None else NonRecordingSpan(parent), context
    )


def note(span: Span, context: Context) -> None:
    """``span`` was made for another backend in ``context``."""
    current = get_current_span(context)
    if span is not current and span is not INVALID_SPAN:
        homes[span] = homes.get(current, current)


class Tracer(trace.Tracer):
    """A tracer for another backend, whose spans are as they are without otelier."""

    def __init__(self, inner: trace.Tracer) -> None:
        self._inner = inner

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A span of the tracer, whose parent is no span of ours."""
        held = context
        try:
            held = ctx.current() if context is None else context
            context = ctx.outside(held)
        except Exception:
            guard.failed("apart.start")
        span = self._inner.start_span(
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        try:
            if held is not None:
                note(span, held)
        except Exception:
            guard.failed("apart.note")
        return span

    @contextmanager
    def start_as_current_span(  # type: ignore[override]
        self, *args: Any, **kwargs: Any
    ) -> Iterator[Span]:
        """The same, current while the block runs."""
        ends = kwargs.pop("end_on_exit", True)
        with trace.use_span(
            self.start_span(*args, **kwargs),
            end_on_exit=ends,
            record_exception=kwargs.get("record_exception", True),
            set_status_on_exception=kwargs.get("set_status_on_exception", True),
        ) as span:
            yield span

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
