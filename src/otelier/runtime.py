"""What a running otelier is: settings, tracer, meter, logger, prices. One, or none, per process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider, NoOpMeter
from opentelemetry.trace import Tracer, TracerProvider

from otelier import events, semconv
from otelier.content import Mask, Policy
from otelier.cost import Prices
from otelier.metrics import Recorder
from otelier.settings import Settings
from otelier.version import __version__

SCOPE: Final = "otelier"


class Runtime:
    """Providers are looked up again when the program sets them after us."""

    def __init__(
        self,
        settings: Settings,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: Any = None,
        mask: Mask | None = None,
    ) -> None:
        self.settings = settings
        self.policy = Policy(settings, mask)
        self.prices: Prices | None = Prices(settings.prices) if settings.cost else None
        self.tracer_provider = tracer_provider
        # The proxy finds the real provider when the program sets it.
        self.tracer: Tracer = trace.get_tracer(
            SCOPE, __version__, tracer_provider, schema_url=semconv.SCHEMA_URL
        )
        self.events = events.Emitter(logger_provider)
        # Whether the details event is wanted; the others always are.
        self.details = settings.events
        # Set while the program has no TracerProvider yet: tries again to add the processor.
        self.late: Callable[[], None] | None = None
        self._meter_provider = meter_provider
        self._logger_provider = logger_provider
        self._metered: Any = None
        self._recorder: Recorder | None = None

    def records(self) -> tuple[Any, ...]:
        """The providers of traces and logs, as they are now."""
        from opentelemetry import _logs

        return (
            self.tracer_provider or trace.get_tracer_provider(),
            self._logger_provider or _logs.get_logger_provider(),
        )

    def meters(self) -> Any:
        """The provider of metrics, as it is now."""
        return self._meter_provider or metrics.get_meter_provider()

    @property
    def recorder(self) -> Recorder | None:
        """The metrics, or None where nobody collects them."""
        provider = self._meter_provider
        if provider is None:
            provider = metrics.get_meter_provider()
        if provider is not self._metered:
            self._metered = provider
            self._recorder = self._make_recorder(provider)
        return self._recorder

    def _make_recorder(self, provider: MeterProvider) -> Recorder | None:
        if type(provider).__name__ in ("_ProxyMeterProvider", "NoOpMeterProvider"):
            return None
        meter = provider.get_meter(SCOPE, __version__, semconv.SCHEMA_URL)
        if isinstance(meter, NoOpMeter):
            return None
        settings = self.settings
        return Recorder(meter, settings.generation, settings.metrics_fingerprint)


_current: Runtime | None = None


def current() -> Runtime | None:
    """The running otelier, or None before ``instrument()`` and after ``uninstrument()``."""
    return _current


def start(runtime: Runtime) -> None:
    """Make ``runtime`` the one that hooks and decorators use."""
    global _current
    _current = runtime


def stop() -> None:
    """From now on hooks pass calls through."""
    global _current
    _current = None
