"""Writes spans and events into the store: any number of processes may do so at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from otelier.store import bodies, event_rows, pieces, prune, rows, schema
from otelier.store.common import Common
from otelier.store.keeping import LEAST, LISTS, Keeper
from otelier.store.otlp import INT64, KIND_NUMBERS, STATUS_NUMBERS
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.transactions import transaction

_THERE: Final = "SELECT 1 FROM span WHERE trace_id = ? AND span_id = ? AND kind = ?"
_BASE: Final = (
    "id, trace_id, span_id, parent_id, time, duration, name, kind, flags, status_code,"
    ' status_message, resource, scope, shape, "values", more, input, output, system'
)
_COLUMNS: Final = f"{_BASE}, {', '.join(rows.COLUMNS)}"
_INSERT: Final = (
    f"INSERT INTO span ({_COLUMNS}) VALUES ({', '.join('?' for _ in _COLUMNS.split(','))})"
)
# Of several readings of a batch the one that read most is paid for, of equal ones the first.
_BATCHES: Final = """
UPDATE span SET paid = (id = (
    SELECT id FROM span AS other
    WHERE other.batch_read AND other.provider = span.provider AND other.batch = span.batch
    ORDER BY coalesce(input_tokens, 0) + coalesce(output_tokens, 0) DESC, time, id LIMIT 1
))
WHERE batch_read AND provider = ? AND batch = ?
"""
_FLAGS: Final = (1 << 32) - 1


class InterruptedByForkError(Exception):
    """Nothing was written, since the process is about to fork."""


class Writer:
    """One process' way into a store. Its methods may be called by any thread."""

    def __init__(self, path: Path, seconds: float = 5.0) -> None:
        """``seconds``: how long it waits for other writers."""
        self.path = path
        self.seconds = seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        # Whether somebody who forks waits for what is being written.
        self.forking = False

    def write(self, spans: Sequence[StoredSpan], logs: Sequence[StoredLog] = ()) -> int:
        """Store spans and events, all or none; how many of them were new.

        Log records that are no events of GenAI are left out. When it returns the others are in
        the file, whatever happens to this process. Raises OSError, sqlite3.Error, StoreError and
        InterruptedByForkError; what was not stored may be given again.
        """
        with self._lock:
            connection = self._open()
            new, begun = 0, False

            def work() -> None:
                nonlocal new, begun
                begun = True
                new = self._insert(spans, logs)

            try:
                connection.execute(f"PRAGMA busy_timeout = {int(self.seconds * 1000)}")
                transaction(connection, work)
            except BaseException:
                # Who only waited for his turn knows what he knew.
                if begun:
                    self._forget()
                raise
            return new

    def prune(self, before: int | None, most: int | None) -> Iterator[prune.Pruned]:
        """Forget old spans, step by step: see :func:`prune.steps`. Others write between two steps.

        Raises OSError, sqlite3.Error and StoreError.
        """
        with self._lock:
            steps = prune.steps(self._open(), before, most)
        while True:
            with self._lock:
                step = next(steps, None)
            if step is None:
                return
            yield step

    def shrink(self) -> None:
        """Give back the room of the log of changes, where nobody else needs it just now.

        Raises what :meth:`write` does.
        """
        with self._lock:
            self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; writing opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()

    def abandon(self) -> None:
        """Of a forked child: what its parent has open is never closed here, not even at the end."""
        import ctypes  # Hardly ever needed.

        connection, self._connection = self._connection, None
        if connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._file != schema.file(self.path):
            # It was deleted or moved away: what is written into it now nobody would find.
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = schema.opened(self.path, self.seconds)
            self._file = schema.file(self.path)
            self._keeper = Keeper(self._connection)
            self._common = Common(self._connection)
            self._forget()
            self._pruned = -1
        return self._connection

    def _forget(self) -> None:
        self._keeper.forget()
        self._common.forget()

    def _insert(self, spans: Sequence[StoredSpan], logs: Sequence[StoredLog]) -> int:
        connection = self._connection
        assert connection is not None
        ((pruned,),) = connection.execute("SELECT value FROM meta WHERE key = 'pruned'")
        if pruned != self._pruned:
            self._forget()
            self._pruned = pruned
        # Spans first: whoever finds a list of messages by its history gets to a span that had it.
        new = self._insert_spans(connection, spans) if spans else 0
        return new + event_rows.insert(connection, self._common, self._keeper, logs)

    def _insert_spans(self, connection: sqlite3.Connection, spans: Sequence[StoredSpan]) -> int:
        # Hardly ever is one there already: it is not looked up before that shows.
        connection.execute("SAVEPOINT spans")
        try:
            new = self._add(connection, spans)
        except sqlite3.IntegrityError:
            connection.execute("ROLLBACK TO spans")
            self._forget()
            new = self._add(connection, self._new(connection, spans))
        connection.execute("RELEASE spans")
        return new

    def _new(
        self, connection: sqlite3.Connection, spans: Sequence[StoredSpan]
    ) -> Sequence[StoredSpan]:
        """Those that are not stored, each once."""
        found: dict[tuple[str, str, int], StoredSpan] = {}
        for span in spans:
            key = (span.trace_id, span.span_id, KIND_NUMBERS.get(span.kind, 0))
            if key not in found and not connection.execute(_THERE, key).fetchone():
                found[key] = span
        return list(found.values())

    def _add(self, connection: sqlite3.Connection, spans: Sequence[StoredSpan]) -> int:
        last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'span'").fetchone()
        first = (last[0] if last else 0) + 1
        made = [self._row(number, span) for number, span in enumerate(spans, first)]
        try:
            connection.executemany(_INSERT, made)
        except UnicodeEncodeError:
            connection.execute("DELETE FROM span WHERE id >= ?", (first,))
            made = [pieces.well_formed(row) for row in made]
            connection.executemany(_INSERT, made)
        for row in made:
            if row[_BATCH_READ]:
                connection.execute(_BATCHES, (row[_PROVIDER], row[_BATCH]))
        return len(made)

    def _row(self, number: int, span: StoredSpan) -> list[Any]:
        if self.forking:
            raise InterruptedByForkError
        start = min(max(span.start_ns, 0), bodies.TIMES[-1])
        duration = span.end_ns - span.start_ns
        columns = rows.columns(span)
        keeper = self._keeper
        keeper.span = number
        keeper.used = prune.stretch(start)
        keeper.of = columns[_CONVERSATION] or columns[_SESSION] or span.trace_id
        heads: dict[str, int] = {}
        keeper.heads = heads
        values = pieces.values(span.attributes, keeper.apart, LEAST, LISTS)
        return [
            number,
            span.trace_id,
            span.span_id,
            span.parent_id or "",
            rows.moment(start),
            min(max(duration, INT64[0]), INT64[-1]),
            span.name,
            KIND_NUMBERS.get(span.kind, 0),
            span.flags & _FLAGS,
            STATUS_NUMBERS.get(span.status, 0),
            span.status_message,
            self._common.shared(span.resource),
            self._common.shared(span.scope),
            self._common.shape(span.attributes),
            values,
            bodies.span_more(span),
            heads.get("input", 0),
            heads.get("output", 0),
            heads.get("system", 0),
            *columns,
        ]


_CONVERSATION: Final = rows.COLUMNS.index("conversation")
_SESSION: Final = rows.COLUMNS.index("session")
_BEFORE: Final = len(_BASE.split(","))
_BATCH_READ: Final = _BEFORE + rows.COLUMNS.index("batch_read")
_PROVIDER: Final = _BEFORE + rows.COLUMNS.index("provider")
_BATCH: Final = _BEFORE + rows.COLUMNS.index("batch")
