"""The OpenTelemetry entry point ``opentelemetry_instrumentor: otelier``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from otelier import control


class OtelierInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments all libraries of :data:`otelier.hooks.table.LIBRARIES`; imports none of them.

    ``instrument(**options)`` takes what :func:`otelier.instrument` takes. It never raises.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: what is not installed is not hooked."""
        return ()

    def _instrument(self, **options: Any) -> None:
        control.instrument(**options)

    def _uninstrument(self, **options: Any) -> None:
        control.uninstrument()
