"""``otelier.flush``: all is sent now, or the time is over."""

from __future__ import annotations

import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import otelier


class Held(SpanExporter):
    """An exporter that waits until it may go on."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.free = threading.Event()

    def export(self, spans: object) -> SpanExportResult:
        self.free.wait(60)
        self.names += [span.name for span in spans]  # type: ignore[attr-defined]
        return SpanExportResult.SUCCESS


def provider(exporter: Held) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
    return made


def test_what_is_finished_is_sent() -> None:
    exporter = Held()
    exporter.free.set()
    otelier.instrument(tracer_provider=provider(exporter))
    with otelier.step("work"):
        pass
    assert not exporter.names
    assert otelier.flush() is True
    assert exporter.names == ["work"]


def test_who_hangs_is_left_behind() -> None:
    exporter = Held()
    otelier.instrument(tracer_provider=provider(exporter))
    with otelier.step("work"):
        pass
    assert otelier.flush(0.01) is False
    exporter.free.set()
    assert otelier.flush(60) is True
    assert exporter.names == ["work"]


def test_without_otelier_there_is_nothing_to_send() -> None:
    assert otelier.flush(0) is True


@pytest.mark.parametrize("timeout", [None, float("inf")])
def test_as_long_as_it_takes(timeout: float | None) -> None:
    exporter = Held()
    exporter.free.set()
    otelier.instrument(tracer_provider=provider(exporter))
    with otelier.step("work"):
        pass
    assert otelier.flush(timeout) is True
    assert exporter.names == ["work"]
