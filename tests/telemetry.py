"""An in-memory OpenTelemetry, and otelier started on it."""

from __future__ import annotations

import gc
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelier
from otelier import guard

try:
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
except ImportError:  # before OpenTelemetry 1.36
    from opentelemetry.sdk._logs.export import (  # type: ignore[no-redef]
        InMemoryLogExporter as InMemoryLogRecordExporter,
    )


class Telemetry:
    """Providers of its own for each test; nothing global but otelier itself."""

    def __init__(self, sampler: Any = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(sampler=sampler)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader])
        self.log_exporter = InMemoryLogRecordExporter()
        self.logger_provider = LoggerProvider()
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self.log_exporter))

    def start(self, **options: Any) -> Telemetry:
        """Instrument with these providers; ``options`` as for ``otelier.instrument``."""
        guard.reset()
        otelier.instrument(
            **{
                "tracer_provider": self.tracer_provider,
                "meter_provider": self.meter_provider,
                "logger_provider": self.logger_provider,
                **options,
            }
        )
        return self

    def stop(self) -> None:
        otelier.uninstrument()

    @property
    def tracer(self) -> Any:
        """A tracer for spans of the test's own."""
        return self.tracer_provider.get_tracer("test")

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Finished spans in order of their end, after a garbage collection."""
        gc.collect()
        return [
            span
            for span in self.exporter.get_finished_spans()
            if name is None or span.name == name or span.name.startswith(name + " ")
        ]

    def span(self, name: str | None = None) -> ReadableSpan:
        """The only finished span (of that name or operation)."""
        found = self.spans(name)
        assert len(found) == 1, [span.name for span in found]
        return found[0]

    def clear(self) -> None:
        self.exporter.clear()
        self.log_exporter.clear()

    def metrics(self) -> dict[str, list[Any]]:
        """Data points by metric name."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[Any]] = {}
        if data is None:
            return found
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found.setdefault(metric.name, []).extend(metric.data.data_points)
        return found

    def events(self) -> list[Any]:
        """Log records with an event name."""
        found = self.log_exporter.get_finished_logs()
        return [log.log_record for log in found if log.log_record.event_name]
