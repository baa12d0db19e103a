"""The global tracer provider, which can be set once: frameworks with spans of their own ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace

from tests.telemetry import Telemetry


class _Tracer(trace.Tracer):
    """Makes spans where the test wants them that runs now; as long as none does, none."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    def _now(self) -> trace.Tracer:
        provider = _Provider.now or trace.NoOpTracerProvider()
        return provider.get_tracer(self._scope)

    @property
    def span_processor(self) -> Any:
        """Where its spans go."""
        return getattr(_Provider.now, "_active_span_processor", None)

    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        return self._now().start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._now().start_as_current_span(*args, **kwargs)


class _Provider(trace.TracerProvider):
    now: trace.TracerProvider | None = None

    def get_tracer(self, instrumenting_module_name: str, *args: Any, **kwargs: Any) -> trace.Tracer:
        return _Tracer(instrumenting_module_name)


trace.set_tracer_provider(_Provider())


@contextmanager
def leading_to(running: Telemetry) -> Iterator[None]:
    """What is made by the global provider goes where this test looks."""
    _Provider.now = running.tracer_provider
    try:
        yield
    finally:
        _Provider.now = None
