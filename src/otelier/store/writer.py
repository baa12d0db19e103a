"""Writes spans into the store: any number of processes may do so at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from otelier import wire
from otelier.store import pieces, prune, rows, schema
from otelier.store.keeping import LEAST, LISTS, Keeper
from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredResource,
    StoredScope,
    StoredSpan,
)
from otelier.store.transactions import transaction

_STRETCH: Final = prune.STRETCH * 10**9
_KNOWN: Final = 4096
_KIND: Final = {name: number for number, name in enumerate(KINDS)}
_STATUS: Final = {name: number for number, name in enumerate(STATUSES)}
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
_INT64: Final = range(-(1 << 63), 1 << 63)
_TIMES: Final = range(1 << 64)
_FLAGS: Final = (1 << 32) - 1


class Writer:
    """One process' way into a store. Its methods may be called by any thread."""

    def __init__(self, path: Path, seconds: float = 5.0) -> None:
        """``seconds``: how long it waits for other writers."""
        self.path = path
        self.seconds = seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def write(self, spans: Sequence[StoredSpan]) -> int:
        """Store spans, all or none; how many of them were new.

        When it returns they are in the file, whatever happens to this process. Raises OSError,
        sqlite3.Error and StoreError; what was not stored may be given again.
        """
        with self._lock:
            connection = self._open()
            new = 0

            def work() -> None:
                nonlocal new
                new = self._insert(spans)

            try:
                connection.execute(f"PRAGMA busy_timeout = {int(self.seconds * 1000)}")
                transaction(connection, work)
            except BaseException:
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

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._file != _file(self.path):
            # It was deleted or moved away: what is written into it now nobody would find.
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = schema.opened(self.path, self.seconds)
            self._file = _file(self.path)
            self._keeper = Keeper(self._connection)
            self._forget()
            self._pruned = -1
        return self._connection

    def _forget(self) -> None:
        self._keeper.forget()
        self._known: dict[str, dict[str, int]] = {"resource": {}, "scope": {}, "shape": {}}
        self._names: dict[tuple[str, ...], int] = {}
        # By identity: spans of one batch share these objects.
        self._held: dict[int, tuple[object, int]] = {}

    def _insert(self, spans: Sequence[StoredSpan]) -> int:
        connection = self._connection
        assert connection is not None
        ((pruned,),) = connection.execute("SELECT value FROM meta WHERE key = 'pruned'")
        if pruned != self._pruned:
            self._forget()
            self._pruned = pruned
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'span'").fetchone()
        first = next_id = (found[0] if found else 0) + 1
        made: list[list[Any]] = []
        seen: set[tuple[str, str, int]] = set()
        for span in spans:
            key = (span.trace_id, span.span_id, _KIND.get(span.kind, 0))
            if key in seen or self._there(key):
                continue
            seen.add(key)
            made.append(self._row(next_id, key[2], span))
            next_id += 1
        try:
            connection.executemany(_INSERT, made)
        except UnicodeEncodeError:
            connection.execute("DELETE FROM span WHERE id >= ?", (first,))
            connection.executemany(_INSERT, map(pieces.well_formed, made))
        for row in made:
            if row[_BATCH_READ]:
                connection.execute(_BATCHES, (row[_PROVIDER], row[_BATCH]))
        return next_id - first

    def _there(self, key: tuple[str, str, int]) -> bool:
        assert self._connection is not None
        return (
            self._connection.execute(
                "SELECT 1 FROM span WHERE trace_id = ? AND span_id = ? AND kind = ?", key
            ).fetchone()
            is not None
        )

    def _row(self, number: int, kind: int, span: StoredSpan) -> list[Any]:
        start = min(max(span.start_ns, 0), _TIMES[-1])
        duration = span.end_ns - span.start_ns
        columns = rows.columns(span)
        keeper = self._keeper
        keeper.span = number
        keeper.used = start // _STRETCH
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
            min(max(duration, _INT64[0]), _INT64[-1]),
            span.name,
            kind,
            span.flags & _FLAGS,
            _STATUS.get(span.status, 0),
            span.status_message,
            self._shared(span.resource),
            self._shared(span.scope),
            self._shape(span.attributes),
            values,
            more(span),
            heads.get("input", 0),
            heads.get("output", 0),
            heads.get("system", 0),
            *columns,
        ]

    def _shared(self, held: StoredResource | StoredScope) -> int:
        found = self._held.get(id(held))
        if found is None:
            if len(self._held) > _KNOWN:
                self._held.clear()
            if isinstance(held, StoredResource):
                number = self._once("resource", "body", resource_body(held))
            else:
                number = self._once("scope", "body", scope_body(held))
            found = self._held[id(held)] = (held, number)
        return found[1]

    def _shape(self, attributes: Mapping[str, Any]) -> int:
        key = tuple(attributes)
        found = self._names.get(key)
        if found is None:
            if len(self._names) > _KNOWN:
                self._names.clear()
            found = self._names[key] = self._once("shape", "names", pieces.names(attributes))
        return found

    def _once(self, table: str, column: str, body: str) -> int:
        """The id of a row that is there once; it is added if it is not there."""
        known = self._known[table]
        found = known.get(body)
        if found is None:
            assert self._connection is not None
            run = self._connection.execute
            row = run(f"SELECT id FROM {table} WHERE {column} = ?", (body,)).fetchone()
            if row is None:
                row = run(f"INSERT INTO {table} ({column}) VALUES (?) RETURNING id", (body,))
                row = row.fetchone()
            if len(known) > _KNOWN:
                known.clear()
            found = known[body] = int(row[0])
        return found


def _file(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_CONVERSATION: Final = rows.COLUMNS.index("conversation")
_SESSION: Final = rows.COLUMNS.index("session")
_BEFORE: Final = len(_BASE.split(","))
_BATCH_READ: Final = _BEFORE + rows.COLUMNS.index("batch_read")
_PROVIDER: Final = _BEFORE + rows.COLUMNS.index("provider")
_BATCH: Final = _BEFORE + rows.COLUMNS.index("batch")


# --- what has no column: JSON, with attributes as names and values ------------------------------


def _attributes(found: Mapping[str, Any]) -> pieces.Json:
    return {name: pieces.tagged(value) for name, value in found.items()}


def _filled(members: pieces.Json) -> pieces.Json:
    return {name: value for name, value in members.items() if value}


def resource_body(resource: StoredResource) -> str:
    """A resource as JSON."""
    body = {
        "attributes": _attributes(resource.attributes),
        "schemaUrl": resource.schema_url,
        "droppedAttributesCount": resource.dropped_attributes,
    }
    return wire.encoded(_filled(body)).decode()


def scope_body(scope: StoredScope) -> str:
    """A scope as JSON."""
    body = {
        "name": scope.name,
        "version": scope.version,
        "attributes": _attributes(scope.attributes),
        "schemaUrl": scope.schema_url,
        "droppedAttributesCount": scope.dropped_attributes,
    }
    return wire.encoded(_filled(body)).decode()


def more(span: StoredSpan) -> str | None:
    """What few spans have, as JSON; None where there is nothing of it."""
    duration = span.end_ns - span.start_ns
    odd = span.start_ns not in _TIMES or duration not in _INT64
    if not (
        span.events
        or span.links
        or span.trace_state
        or span.dropped_attributes
        or span.dropped_events
        or span.dropped_links
        or odd
    ):
        return None
    body = {
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "traceState": span.trace_state,
        "droppedAttributesCount": span.dropped_attributes,
        "droppedEventsCount": span.dropped_events,
        "droppedLinksCount": span.dropped_links,
        # Times that the columns cannot hold.
        "times": [str(span.start_ns), str(span.end_ns)] if odd else None,
    }
    return wire.encoded(_filled(body)).decode()


def _event(event: StoredEvent) -> pieces.Json:
    return _filled(
        {
            "name": event.name,
            "time": event.time_ns,
            "attributes": _attributes(event.attributes),
            "droppedAttributesCount": event.dropped_attributes,
        }
    )


def _link(link: StoredLink) -> pieces.Json:
    return _filled(
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "attributes": _attributes(link.attributes),
            "traceState": link.trace_state,
            "flags": link.flags,
            "droppedAttributesCount": link.dropped_attributes,
        }
    )
