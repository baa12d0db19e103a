"""A TracerProvider of others', of a kind that OpenTelemetry has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import otelier
from otelier import runtime, sdk_setup


@dataclass
class ProxyTracerProvider(trace.TracerProvider):
    """As Logfire's: called like OpenTelemetry's own, and not to be hashed."""

    provider: TracerProvider

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        return self.provider.get_tracer(*args, **kwargs)

    def add_span_processor(self, processor: Any) -> None:
        self.provider.add_span_processor(processor)


def test_otelier_starts_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ProxyTracerProvider(TracerProvider())
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", theirs)

    assert sdk_setup.provided()
    for _ in range(2):
        otelier.instrument()
        assert runtime.current() is not None
        otelier.uninstrument()

    added = theirs.provider._active_span_processor._span_processors
    assert [type(each).__name__ for each in added] == ["OtelierSpanProcessor"]
