"""A flush while the SDK shuts down, as a signal's handler asks for it, waits for what is sent."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from otelier import children, unheard


class Slow(SpanExporter):
    """Sends when it is told to."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.sent = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.began.set()
        self.go.wait(10)
        self.sent += len(spans)
        return SpanExportResult.SUCCESS


def test_a_flush_while_the_provider_shuts_down() -> None:
    assert unheard
    exporter = Slow()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("x").start_span("last").end()
    ending = threading.Thread(target=provider.shutdown)
    ending.start()
    assert exporter.began.wait(10)
    flushing = threading.Thread(target=children._flush_one, args=(provider,))
    flushing.start()
    flushing.join(0.2)
    assert flushing.is_alive()
    exporter.go.set()
    flushing.join(10)
    assert exporter.sent == 1
    ending.join(10)
