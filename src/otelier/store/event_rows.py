"""Writes events into the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from otelier import semconv, wire
from otelier.store import bodies, logs, pieces, prune, rows
from otelier.store.common import Common
from otelier.store.keeping import LEAST, LISTS, Keeper
from otelier.store.spans import StoredLog

_HASH: Final = 16
_COLUMNS: Final = (
    "hash, time, name, trace_id, span_id, resource, scope, shape, more, evaluation, score, label,"
    ' answer, "values"'
)
_INSERT: Final = (
    f"INSERT INTO event ({_COLUMNS}) VALUES ({', '.join('?' for _ in _COLUMNS.split(','))})"
)


def insert(
    connection: sqlite3.Connection, common: Common, keeper: Keeper, found: Iterable[StoredLog]
) -> int:
    """Write the events among the log records, within a transaction; how many of them were new."""
    new = 0
    for log in found:
        if not logs.is_kept(log):
            continue
        digest = _digest(log)
        if connection.execute("SELECT 1 FROM event WHERE hash = ?", (digest,)).fetchone():
            continue
        row = _row(digest, common, keeper, log)
        connection.execute(_INSERT, pieces.well_formed(row))
        new += 1
    return new


def _digest(log: StoredLog) -> bytes:
    """The same for two events that are the same, however they were delivered.

    An event has no id: it is all that it says, with its nanosecond. When somebody saw it counts
    only where that is the only time that it has.
    """
    said = replace(log, observed_ns=0) if log.time_ns else log
    return blake2b(logs.line([said]), digest_size=_HASH).digest()


def _row(digest: bytes, common: Common, keeper: Keeper, log: StoredLog) -> list[Any]:
    moment = min(max(log.time_ns or log.observed_ns, 0), bodies.TIMES[-1])
    get = log.attributes.get
    keeper.span = 0
    keeper.used = prune.stretch(moment)
    keeper.of = rows.text(get(semconv.CONVERSATION_ID)) or log.trace_id
    keeper.heads = {}
    return [
        digest,
        rows.moment(moment),
        log.name,
        log.trace_id,
        log.span_id,
        common.shared(log.resource),
        common.shared(log.scope),
        common.shape(log.attributes),
        _more(log, keeper, moment),
        rows.text(get(semconv.EVALUATION_NAME)),
        wire.number(get(semconv.EVALUATION_SCORE)),
        rows.text(get(semconv.EVALUATION_LABEL)),
        rows.text(get(semconv.RESPONSE_ID)),
        pieces.values(log.attributes, keeper.apart, LEAST, LISTS),
    ]


def _more(log: StoredLog, keeper: Keeper, moment: int) -> str | None:
    body = log.body
    reference = keeper.apart("", body) if isinstance(body, str) else None
    return bodies.event_more(log, pieces.tagged(body) if reference is None else reference, moment)
