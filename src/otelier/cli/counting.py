"""Counts the spans of a program under ``otelier run`` that go into no file of otelier's."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from otelier import guard, semconv


class Counter(SpanProcessor):
    """A span processor that counts; it exports nothing and never raises."""

    def __init__(self) -> None:
        self.traces = 0
        self.calls = 0
        self.cost = 0.0

    def on_end(self, span: ReadableSpan) -> None:
        """Count the span."""
        try:
            attributes = span.attributes or {}
            self.traces += span.parent is None
            self.calls += span.kind.name == "CLIENT" and semconv.OPERATION_NAME in attributes
            for name in (semconv.COST, semconv.COST_STEP):
                cost = attributes.get(name)
                self.cost += cost if isinstance(cost, float | int) else 0.0
        except Exception:
            guard.failed("cli.counter")
