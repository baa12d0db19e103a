"""Rows of the store as the spans and events that were written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from otelier import wire
from otelier.store import lists, pieces, rows
from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)

_COLUMNS: Final = (
    "s.id, s.trace_id, s.span_id, s.parent_id, s.time, s.duration, s.name, s.kind, s.flags,"
    ' s.status_code, s.status_message, r.body, c.body, h.names, s."values", s.more'
)
_FROM: Final = (
    " FROM {schema}.{table} AS s JOIN {schema}.resource AS r ON r.id = s.resource"
    " JOIN {schema}.scope AS c ON c.id = s.scope JOIN {schema}.shape AS h ON h.id = s.shape"
)
_EVENT_COLUMNS: Final = (
    's.id, s.trace_id, s.span_id, s.time, s.name, r.body, c.body, h.names, s."values", s.more'
)
_MESSAGES: Final = """
WITH RECURSIVE one (id, previous, text, length) AS (
    SELECT id, previous, text, length FROM {schema}.history WHERE id = ?
    UNION ALL
    SELECT h.id, h.previous, h.text, h.length
    FROM one JOIN {schema}.history AS h ON h.id = one.previous
)
SELECT t.body FROM one JOIN {schema}.text AS t ON t.id = one.text ORDER BY one.length
"""
_TEXTS_HELD: Final = 256


class Reader:
    """Reads whole spans through a connection; ``schema`` is the store's name there.

    Without ``texts`` messages and other long texts are None: whoever only counts is faster so.
    """

    def __init__(
        self, connection: sqlite3.Connection, schema: str = "main", *, texts: bool = True
    ) -> None:
        self._texts = texts
        self._connection = connection
        self._select = f"SELECT {_COLUMNS}{_FROM.format(schema=schema, table='span')}"
        self._select_events = f"SELECT {_EVENT_COLUMNS}{_FROM.format(schema=schema, table='event')}"
        self._messages = _MESSAGES.format(schema=schema)
        self._text = f"SELECT body FROM {schema}.text WHERE id = ?"
        # For one reading: what is forgotten later may have its number given to something else, and
        # the lists of a long conversation are large, each with all that was said before.
        self._resolved = lru_cache(maxsize=_TEXTS_HELD)(self._look_up)

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """A trace's spans, in order of start."""
        return [
            span for _, span in self._spans(" WHERE s.trace_id = ? ORDER BY s.time", (trace_id,))
        ]

    def after(self, number: int, most: int) -> list[tuple[int, StoredSpan]]:
        """The next spans in the order in which they were written, with their numbers."""
        return list(self._spans(" WHERE s.id > ? ORDER BY s.id LIMIT ?", (number, most)))

    def where(self, condition: str, given: tuple[Any, ...]) -> Iterator[tuple[int, StoredSpan]]:
        """Spans (``s``) of a condition, in the order in which they were written."""
        return self._spans(f" WHERE {condition} ORDER BY s.id", given)

    def events_after(self, number: int, most: int) -> list[tuple[int, StoredLog]]:
        """The next events in the order in which they were written, with their numbers."""
        return list(self.events_where("s.id > ?", (number,), most))

    def events_where(
        self, condition: str, given: tuple[Any, ...], most: int = -1
    ) -> Iterator[tuple[int, StoredLog]]:
        """Events (``s``) of a condition, in the order in which they were written."""
        self._resolved.cache_clear()
        sql = f"{self._select_events} WHERE {condition} ORDER BY s.id LIMIT ?"
        for row in self._connection.execute(sql, (*given, most)):
            yield row[0], self._log(row)

    def _log(self, row: tuple[Any, ...]) -> StoredLog:
        more = wire.loads(row[9]) if row[9] else {}
        time = more.get("time")
        return StoredLog(
            name=row[4],
            time_ns=rows.nanoseconds(row[3]) if time is None else int(time),
            observed_ns=int(more.get("observed", 0)),
            body=pieces.untagged(more["body"][0], self._resolve) if "body" in more else None,
            severity=more.get("severityNumber", 0),
            severity_text=more.get("severityText", ""),
            trace_id=row[1],
            span_id=row[2],
            flags=more.get("flags", 0),
            attributes=pieces.attributes(row[7], row[8], self._resolve),
            scope=scope(row[6]),
            resource=resource(row[5]),
            dropped_attributes=more.get("droppedAttributesCount", 0),
        )

    def _spans(self, rest: str, given: tuple[Any, ...]) -> Iterator[tuple[int, StoredSpan]]:
        self._resolved.cache_clear()
        for row in self._connection.execute(self._select + rest, given):
            yield row[0], self._span(row)

    def _span(self, row: tuple[Any, ...]) -> StoredSpan:
        start = rows.nanoseconds(row[4])
        end = start + row[5]
        more = wire.loads(row[15]) if row[15] else {}
        if "times" in more:
            start, end = map(int, more["times"])
        return StoredSpan(
            trace_id=row[1],
            span_id=row[2],
            parent_id=row[3] or None,
            name=row[6],
            kind=KINDS[row[7]],
            start_ns=start,
            end_ns=end,
            attributes=pieces.attributes(row[13], row[14], self._resolve),
            status=STATUSES[row[9]],
            status_message=row[10],
            events=tuple(map(_event, more.get("events", ()))),
            links=tuple(map(_link, more.get("links", ()))),
            scope=scope(row[12]),
            resource=resource(row[11]),
            trace_state=more.get("traceState", ""),
            flags=row[8],
            dropped_attributes=more.get("droppedAttributesCount", 0),
            dropped_events=more.get("droppedEventsCount", 0),
            dropped_links=more.get("droppedLinksCount", 0),
        )

    def _resolve(self, reference: pieces.Json) -> Any:
        if not self._texts:
            return None
        (kind, id), *rest = reference.items()
        found = self._resolved(kind, id, rest[0][1] if rest else ",")
        # Whoever gets a list may change it.
        return lists.values_of(found) if kind == pieces.MESSAGES else found

    def _look_up(self, kind: str, id: int, join: str) -> Any:
        if kind == pieces.TEXT:
            row = self._connection.execute(self._text, (id,)).fetchone()
            return row[0] if row is not None else None
        members = [body for (body,) in self._connection.execute(self._messages, (id,))]
        return lists.joined(members, join) if kind == pieces.HISTORY else members


@lru_cache(maxsize=256)
def resource(body: str) -> StoredResource:
    """What :func:`bodies.resource_body` wrote."""
    found = wire.loads(body)
    return StoredResource(
        _attributes(found), found.get("schemaUrl", ""), found.get("droppedAttributesCount", 0)
    )


@lru_cache(maxsize=256)
def scope(body: str) -> StoredScope:
    """What :func:`bodies.scope_body` wrote."""
    found = wire.loads(body)
    return StoredScope(
        found.get("name", ""),
        found.get("version", ""),
        _attributes(found),
        found.get("droppedAttributesCount", 0),
        found.get("schemaUrl", ""),
    )


def _attributes(found: pieces.Json) -> dict[str, Any]:
    return {name: pieces.untagged(value) for name, value in found.get("attributes", {}).items()}


def _event(found: pieces.Json) -> StoredEvent:
    return StoredEvent(
        found.get("name", ""),
        found.get("time", 0),
        _attributes(found),
        found.get("droppedAttributesCount", 0),
    )


def _link(found: pieces.Json) -> StoredLink:
    return StoredLink(
        found.get("traceId", ""),
        found.get("spanId", ""),
        _attributes(found),
        found.get("traceState", ""),
        found.get("flags", 0),
        found.get("droppedAttributesCount", 0),
    )
