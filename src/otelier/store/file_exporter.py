"""The embedded store's writer: one line of OTLP/JSON per exported batch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otelier import guard
from otelier.store import otlp_json
from otelier.store.spans import stored


class FileSpanExporter(SpanExporter):
    """Appends spans to a file that any number of processes may append to.

    The file is opened at the first batch, so a process that makes no spans makes no file. If it
    cannot be written, there is one warning, and what comes later is dropped.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """``path``: the file; by default what ``OTELIER_TRACE_FILE`` says."""
        if path is None:
            from otelier.settings import trace_file

            path = trace_file()
        # Absolute at once: the program may change its directory before the first span.
        self.path = Path(path).absolute()
        self._file: FileIO | None = None
        self._done = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append one line with the spans. Never raises."""
        if self._done:
            return SpanExportResult.FAILURE
        if not spans:
            return SpanExportResult.SUCCESS
        try:
            self._write(otlp_json.line(map(stored, spans)))
        except Exception as error:
            self._give_up(error)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file; later spans are dropped."""
        self._done = True
        file, self._file = self._file, None
        if file is not None:
            # A file system may report only here what it could not store.
            with contextlib.suppress(OSError):
                file.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is ever held back."""
        return True

    def _write(self, line: bytes) -> None:
        file = self._file
        if file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Appending and unbuffered: one system call per line keeps the lines of threads and
            # processes apart without a lock, so a fork can leave none locked in the child.
            file = self._file = FileIO(self.path, "ab", opener=_for_the_owner_only)
        rest = memoryview(line)
        while rest:
            written = file.write(rest)
            if not written:
                raise OSError("nothing was written")
            rest = rest[written:]

    def _give_up(self, error: Exception) -> None:
        self.shutdown()
        guard.say_once(
            f"store {self.path}",
            "cannot write spans to %s (%s); no more spans are stored there.",
            self.path,
            error,
        )


def _for_the_owner_only(path: str, flags: int) -> int:
    # The lines hold what users wrote to models.
    return os.open(path, flags, 0o600)


# For the entry point: the SDK takes nothing but a class, which it calls without arguments.
from_environment = FileSpanExporter
