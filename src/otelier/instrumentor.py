"""The OpenTelemetry entry point, and the same by function."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from otelier import guard, processor, runtime, sdk_setup, settings
from otelier.hooks import registry
from otelier.runtime import Runtime

logger = logging.getLogger("otelier")


class OtelierInstrumentor(BaseInstrumentor):
    """Instruments all libraries of :data:`otelier.hooks.table.LIBRARIES`; imports none of them.

    ``instrument(**options)`` takes ``tracer_provider``, ``meter_provider``, ``logger_provider``,
    ``mask`` and any field of :class:`otelier.settings.Settings`. It never raises.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: what is not installed is not hooked."""
        return ()

    def _instrument(self, **options: Any) -> None:
        try:
            start(**options)
        except Exception:
            # Another instrumentor's loading must not end with ours.
            guard.failed("instrumentor.instrument")
            guard.say_once("start", "could not start; the program runs without it")

    def _uninstrument(self, **options: Any) -> None:
        try:
            stop()
        except Exception:
            guard.failed("instrumentor.uninstrument")


def start(
    *,
    tracer_provider: Any = None,
    meter_provider: Any = None,
    logger_provider: Any = None,
    mask: Any = None,
    skip_dep_check: bool = False,
    **overrides: Any,
) -> None:
    """Read the settings, set the SDK up if need be, and hook."""
    chosen = settings.load(**overrides)
    if tracer_provider is None and chosen.configure_sdk and not sdk_setup.provided():
        sdk_setup.configure()
    run = Runtime(chosen, tracer_provider, meter_provider, logger_provider, mask)
    runtime.start(run)
    processor.install(run)
    registry.register(chosen.disabled)


def stop() -> None:
    """Unhook. Calls that are under way end as they began."""
    registry.unregister()
    runtime.stop()


def instrument(**options: Any) -> None:
    """Instrument this process, with the options of :class:`OtelierInstrumentor`.

    A second call is ignored, with a warning by OpenTelemetry.
    """
    OtelierInstrumentor().instrument(skip_dep_check=True, **options)


def uninstrument() -> None:
    """Restore every SDK as it was."""
    instrumentor = OtelierInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
