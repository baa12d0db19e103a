"""Events as OpenTelemetry log records: operation details, exceptions, evaluations.

Attributes of events are structured where a span holds JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.context import Context

from otelier import errors, guard, semconv, unicode, wire
from otelier.content import Policy
from otelier.version import __version__

_DEBUG: Final = 5
_WARN: Final = 13
_FRAMES: Final = 30
_TRACE: Final = 16_384


class Emitter:
    """Emits through one logger; silent where the program has no LoggerProvider."""

    def __init__(self, provider: Any = None) -> None:
        self._provider = provider
        self._seen: Any = None
        self._logger: Any = None

    def _find(self) -> Any:
        from opentelemetry import _logs

        provider = self._provider or _logs.get_logger_provider()
        if provider is not self._seen:
            self._seen = provider
            quiet = type(provider).__name__ in ("ProxyLoggerProvider", "NoOpLoggerProvider")
            self._logger = (
                None
                if quiet
                else provider.get_logger("otelier", __version__, schema_url=semconv.SCHEMA_URL)
            )
        return self._logger

    @property
    def silent(self) -> bool:
        """Whether the program has no LoggerProvider."""
        return self._find() is None

    def emit(
        self, name: str, attributes: Mapping[str, Any], severity: int | None, context: Context
    ) -> None:
        """One event in ``context``. Never raises."""
        try:
            logger = self._find()
            if logger is None:
                return
            from opentelemetry._logs import LogRecord, SeverityNumber

            logger.emit(
                LogRecord(
                    context=context,
                    severity_number=SeverityNumber(severity) if severity else None,
                    attributes=dict(unicode.attributes(attributes)),
                    event_name=name,
                )
            )
        except TypeError:
            guard.say_once("events", "this OpenTelemetry has no events yet; none are emitted")
        except Exception:
            guard.failed("events.emit")

    def details(
        self, attributes: Mapping[str, Any], content: Mapping[str, Any], context: Context
    ) -> None:
        """The event of one finished inference; ``content`` as the JSON texts of a span."""
        structured = {
            name: wire.loads(value) if name in semconv.CONTENT_ATTRIBUTES else value
            for name, value in content.items()
        }
        self.emit(semconv.EVENT_DETAILS, {**attributes, **structured}, _DEBUG, context)

    def exception(self, error: BaseException, kind: str, policy: Policy, context: Context) -> None:
        """The event of a failed client operation."""
        if self._find() is None:
            return
        attributes = {
            "exception.type": kind,
            "exception.message": policy.message(error),
            "exception.stacktrace": policy.clean(
                errors.trace(error, _FRAMES, _TRACE, policy.message)
            ),
        }
        self.emit(semconv.EVENT_EXCEPTION, attributes, _WARN, context)
