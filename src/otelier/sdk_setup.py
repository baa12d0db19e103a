"""Sets the OpenTelemetry SDK up from its ``OTEL_*`` variables, where nobody else has.

``opentelemetry-instrument`` leaves that to a distribution package; without one there is no
TracerProvider and every span is lost. Then this does what such a package does, with OTLP over
HTTP as the default exporter.
"""

from __future__ import annotations

from opentelemetry import trace

from otelier import guard


def provided() -> bool:
    """Whether the program has a TracerProvider."""
    provider = trace.get_tracer_provider()
    return type(provider).__name__ not in ("ProxyTracerProvider", "NoOpTracerProvider")


def other_configurator() -> str | None:
    """The name of an installed configurator, which would have set the SDK up."""
    from importlib.metadata import entry_points

    return next((point.name for point in entry_points(group="opentelemetry_configurator")), None)


def configure() -> bool:
    """Set the SDK up; whether it was done. Never raises."""
    try:
        # The SDK's own configurator reads the environment; these are its defaults' defaults.
        from otelier.settings import default_environment

        with default_environment(
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_LOGS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            }
        ):
            from opentelemetry.sdk._configuration import _OTelSDKConfigurator

            _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]
        return True
    except Exception as problem:
        guard.failed("sdk_setup.configure")
        guard.say_once(
            "sdk",
            "the OpenTelemetry SDK could not be set up (%s: %s); nothing is recorded",
            type(problem).__name__,
            problem,
        )
        return False
