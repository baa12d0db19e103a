"""What waits to be ended is ended before exporters flush and shut down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelier
from otelier import deferred


@pytest.fixture
def provider() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    memory = InMemorySpanExporter()
    made = TracerProvider()
    made.add_span_processor(BatchSpanProcessor(memory, schedule_delay_millis=60_000))
    otelier.instrument(tracer_provider=made)
    span = made.get_tracer("test").start_span("waits")
    deferred.defer(span.end)
    yield made, memory
    otelier.uninstrument()


def test_flush(provider: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider[0].force_flush()
    assert [span.name for span in provider[1].get_finished_spans()] == ["waits"]
    provider[0].shutdown()


def test_shutdown(provider: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider[0].shutdown()
    assert [span.name for span in provider[1].get_finished_spans()] == ["waits"]
