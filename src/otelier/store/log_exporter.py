"""The store as the SDK's exporter of events: ``OTEL_LOGS_EXPORTER=otelier``.

It keeps the events of the conventions for GenAI (evaluations and others); a program's own log lines
are none of its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.sdk._logs import export as sdk

from otelier import guard
from otelier.store import loading
from otelier.store.exporter import Storing

# The SDK renamed both; the old ones are what its older versions have.
_Base: Any = getattr(sdk, "LogRecordExporter", None) or sdk.LogExporter
_Result: Final[Any] = getattr(sdk, "LogRecordExportResult", None) or sdk.LogExportResult


class StoreLogExporter(Storing, _Base):  # type: ignore[misc]
    """Writes events into a store that any number of processes write and read at once.

    It fails as :class:`~otelier.store.exporter.StoreSpanExporter` does: with one line, and never
    into the program.
    """

    def export(self, batch: Sequence[Any]) -> Any:
        """Store the events; SUCCESS means that they are in the file. Never raises."""
        if self._done:
            return _Result.FAILURE
        try:
            with loading.importing.lock:
                from otelier.store.logs import stored_events

            events = stored_events(batch)
            if not events:
                return _Result.SUCCESS
            # With the first event, not before.
            with loading.importing.lock:
                from otelier.store import sharing

            if sharing.of(self.path).write((), events):
                return _Result.SUCCESS
        except Exception:
            guard.failed("store.export_events")
        return _Result.FAILURE


# For the entry point: the SDK takes nothing but a class, which it calls without arguments.
from_environment = StoreLogExporter
