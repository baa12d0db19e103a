"""The store as the SDK's exporter: ``OTEL_TRACES_EXPORTER=otelier``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otelier import guard, pace, settings
from otelier.store import loading
from otelier.store.spans import StoredSpan, stored

# Seconds that a span waits for others: what a program that is killed may lose.
DELAY: Final = 0.2


class Storing:
    """What exporters into a store have in common: a path, and an end."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """``path``: the file; by default what ``OTELIER_STORE`` says, else the user's own."""
        # Absolute at once: the program may change its directory before the first span.
        self.path = Path(settings.store_path() if path is None else path).absolute()
        self._done = False
        setattr(self, pace.WANTED, DELAY)

    def shutdown(self) -> None:
        """Close the file; what comes later is dropped."""
        self._done = True
        try:
            # Who has written nothing has nothing to close. To import it here, in the main thread,
            # would keep what a signal's handler flushes meanwhile from being written.
            sharing: Any = sys.modules.get("otelier.store.sharing")
            of = getattr(sharing, "of", None)
            if of is not None:
                of(self.path).close()
        except Exception:
            guard.failed("store.shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is ever held back."""
        return True


class StoreSpanExporter(Storing, SpanExporter):
    """Writes spans into a store that any number of processes write and read at once.

    The file is made with the first batch. A fault of it never reaches the program: one line tells,
    and what could not be written is tried again with what comes later.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """``path``: the file; by default what ``OTELIER_STORE`` says, else the user's own."""
        super().__init__(path)
        # Under ``otelier run``, which asks after its own store and no other.
        self._reports = settings.run_reports() if path is None else ""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Store the spans; SUCCESS means that they are in the file. Never raises."""
        if self._done:
            return SpanExportResult.FAILURE
        if not spans:
            return SpanExportResult.SUCCESS
        try:
            with loading.importing.lock:
                from otelier.store import sharing

            batch = [stored(span) for span in spans]
            self._tell(batch)
            if sharing.of(self.path).write(batch):
                return SpanExportResult.SUCCESS
        except Exception:
            guard.failed("store.export")
        return SpanExportResult.FAILURE

    def _tell(self, batch: Sequence[StoredSpan]) -> None:
        if not self._reports:
            return
        with loading.importing.lock:
            from otelier.store import telling

        # The run may be over, and its folder gone.
        with contextlib.suppress(OSError):
            telling.tell(self._reports, self.path, batch)


# For the entry point: the SDK takes nothing but a class, which it calls without arguments.
from_environment = StoreSpanExporter
