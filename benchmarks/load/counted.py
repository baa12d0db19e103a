"""Providers whose spans are counted and dropped."""

from __future__ import annotations

import itertools
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider


class Counted(SpanProcessor):
    """Counts the spans that end, in whatever thread."""

    def __init__(self) -> None:
        self._next = itertools.count()

    def on_end(self, span: Any) -> None:
        next(self._next)

    def taken(self) -> int:
        """How many ended since it was last asked."""
        number = next(self._next)
        self._next = itertools.count()
        return number


def providers() -> tuple[Counted, dict[str, Any]]:
    """What counts, and the providers for a bench."""
    counted, tracing = Counted(), TracerProvider()
    tracing.add_span_processor(counted)
    meters = MeterProvider([InMemoryMetricReader()])
    return counted, {"tracer_provider": tracing, "meter_provider": meters}
