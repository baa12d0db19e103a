"""A library's own telemetry that stands for the program's: nothing goes there."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelier
from otelier import guard


@pytest.mark.parametrize("name", ["crewAI-telemetry", "shop"])
def test_what_is_a_librarys_own(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    guard.reset()
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": name}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    with caplog.at_level(logging.WARNING):
        otelier.instrument()
    with otelier.agent("weather"):
        pass
    otelier.uninstrument()
    known = name == "shop"
    assert [span.name for span in kept.get_finished_spans()] == ["invoke_agent weather"] * known
    assert ("lest they go to its makers" in caplog.text) is not known
