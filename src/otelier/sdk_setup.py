"""Sets the OpenTelemetry SDK up from its ``OTEL_*`` variables, where nobody else has.

``opentelemetry-instrument`` leaves that to a distribution package; without one there is no
TracerProvider and every span is lost. Then this does what such a package does, with OTLP over
HTTP as the default exporter.
"""

from __future__ import annotations

import logging
from typing import Final

from opentelemetry import trace

from otelier import batches, guard, settings

_DEFAULTS: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
}
_STORE: Final = settings.STORE_EXPORTER
# Service names of libraries' own telemetry.
_LIBRARIES: Final = ("crewAI-telemetry",)
# grpc.StatusCode's name for a quota that is used up and for a request that is too large.
_EXHAUSTED: Final = "RESOURCE_EXHAUSTED"
# They report each attempt of each signal; the program's user is told once.
_EXPORTER_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)
# Before SDK 1.35 exporters raised what these report with a traceback.
_PROCESSOR_LOGGERS: Final = (
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics._internal.export",
)


def provided() -> bool:
    """Whether the program has a TracerProvider."""
    # Others' are called like OpenTelemetry's own.
    kind = type(trace.get_tracer_provider())
    return kind not in (trace.ProxyTracerProvider, trace.NoOpTracerProvider)


def taken() -> bool:
    """Whether a library has made the provider of its own telemetry the program's.

    Older versions of CrewAI do, when they are imported: what goes there goes to their makers.
    """
    resource = getattr(trace.get_tracer_provider(), "resource", None)
    return (getattr(resource, "attributes", None) or {}).get("service.name") in _LIBRARIES


def other_configurator() -> str | None:
    """The name of an installed configurator, which would have set the SDK up."""
    from importlib.metadata import entry_points

    return next((point.name for point in entry_points(group="opentelemetry_configurator")), None)


_configured = False


def configured() -> bool:
    """Whether otelier has set the SDK up in this process."""
    return _configured


def configure() -> bool:
    """Set the SDK up; whether it was done. Never raises."""
    global _configured
    from otelier import forked_threads  # Only where it is done.

    try:
        with settings.default_environment({**_DEFAULTS, **_beside_store()}):
            from opentelemetry.sdk._configuration import _OTelSDKConfigurator

            with forked_threads.made_here():
                _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]
    except Exception as problem:
        guard.failed("sdk_setup.configure")
        guard.say_once(
            "sdk",
            "the OpenTelemetry SDK could not be set up (%s: %s); nothing is recorded",
            type(problem).__name__,
            problem,
        )
        return False
    _configured = True
    for name in _EXPORTER_LOGGERS:
        logging.getLogger(name).addFilter(_told_once)
    for name in _PROCESSOR_LOGGERS:
        logging.getLogger(name).addFilter(_raised)
    try:
        from opentelemetry import _logs, metrics

        from otelier import unheard

        providers = (
            trace.get_tracer_provider(),
            metrics.get_meter_provider(),
            _logs.get_logger_provider(),
        )
        unheard.watch(*providers)
        for held in unheard.exporters(providers):
            forked_threads.ends_quietly(held)
    except Exception:
        guard.failed("sdk_setup.watch")
    return True


def _beside_store() -> dict[str, str]:
    """Where the other signals go, by default, of a program whose spans go into the store."""
    exporters = {*settings.traces_exporters(settings.otel_environment())}
    if _STORE not in exporters:
        return {}
    # Of events it takes those that belong to model calls; of metrics none.
    if exporters & {"otlp", "otlp_proto_http", "otlp_proto_grpc"}:
        return {"OTEL_LOGS_EXPORTER": f"{_STORE},otlp"}
    return {"OTEL_LOGS_EXPORTER": _STORE, "OTEL_METRICS_EXPORTER": "none"}


def _raised(record: logging.LogRecord) -> bool:
    """The same for an exporter that raised because nobody could be reached."""
    problem = record.exc_info[1] if record.exc_info else None
    unreachable = isinstance(problem, OSError) and type(problem).__module__.startswith("requests.")
    return not unreachable or _told_once(record)


def _told_once(record: logging.LogRecord) -> bool:
    """A filter: the first failure of export becomes one line of ours, at DEBUG all pass."""
    if record.levelno < logging.WARNING or logging.getLogger(record.name).isEnabledFor(
        logging.DEBUG
    ):
        return True
    if batches.too_large(record):
        return False  # Told, with the size, where it is learned from.
    if any(getattr(value, "name", "") == _EXHAUSTED for value in record.args or ()):
        guard.say_once(
            "exhausted",
            "the receiver of telemetry refuses it (RESOURCE_EXHAUSTED): a quota is used up, or "
            "requests are too large for it, see OTELIER_EXPORT_BYTES; the program is not affected.",
        )
        return False
    guard.say_once(
        "export",
        "telemetry cannot be sent (is a collector running, and is OTEL_EXPORTER_OTLP_ENDPOINT "
        "right?); the program is not affected. `otelier doctor` tells more.",
    )
    return False
