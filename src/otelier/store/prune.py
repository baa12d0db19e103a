"""Forgets what is old: by age, and by the size of the file, the oldest first.

It goes by small steps, each a transaction of its own, so that nobody who writes waits for long.
First spans and events go; when none is left that began before a moment, so do the texts and
histories that none has used since (``used`` is never older than the newest that has them). The file
becomes smaller by as much, a few pages at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otelier.store import rows, words
from otelier.store.transactions import transaction

# Seconds: texts are forgotten by such stretches of time.
STRETCH: Final = 600
_SPANS: Final = 500
_TEXTS: Final = 2_000
_PAGES: Final = 256
# Of what is there, a twentieth goes at a time where the file is too large.
_SHARE: Final = 20
# What has texts, and a time.
_DATED: Final = ("span", "event")


@dataclass(slots=True)
class Pruned:
    """What went."""

    spans: int = 0
    events: int = 0
    texts: int = 0
    bytes: int = 0


def size(connection: sqlite3.Connection) -> int:
    """Bytes in use, without the pages that are free."""
    ((page,),) = connection.execute("PRAGMA page_size")
    ((pages,),) = connection.execute("PRAGMA page_count")
    ((free,),) = connection.execute("PRAGMA freelist_count")
    return int(page * (pages - free))


def steps(connection: sqlite3.Connection, before: int | None, most: int | None) -> Iterator[Pruned]:
    """Prune step by step: what each of them did. Between two of them the store is as always.

    ``before``: nanoseconds since 1970; spans that began earlier go. ``most``: bytes that the file
    may have. Raises sqlite3.Error.
    """
    if before is not None:
        yield from _older(connection, before // (STRETCH * 10**9) * STRETCH)
    while most is not None and size(connection) > most:
        moment = _oldest(connection)
        if moment is None:
            break
        yield from _older(connection, moment)
    yield from _shrink(connection)


def _oldest(connection: sqlite3.Connection) -> int | None:
    """Before which second the oldest share of spans, or of events, began.

    None where no stretch is over.
    """
    ends = (_oldest_of(connection, table) for table in _DATED)
    return min((end for end in ends if end is not None), default=None)


def _oldest_of(connection: sqlite3.Connection, table: str) -> int | None:
    ((first, last),) = connection.execute(f"SELECT min(id), max(id) FROM {table}")
    if first is None:
        return None
    skipped = (last - first) // _SHARE
    row = (
        connection.execute(
            f"SELECT time FROM {table} ORDER BY time LIMIT 1 OFFSET ?", (skipped,)
        ).fetchone()
        or connection.execute(f"SELECT max(time) FROM {table}").fetchone()
    )
    ((newest,),) = connection.execute(f"SELECT max(time) FROM {table}")
    end = rows.nanoseconds(row[0]) // 10**9 // STRETCH * STRETCH + STRETCH
    # What is being written has a stretch that goes on.
    return end if end <= rows.nanoseconds(newest) // 10**9 // STRETCH * STRETCH else None


def _older(connection: sqlite3.Connection, second: int) -> Iterator[Pruned]:
    moment = rows.moment(max(second, 0) * 10**9)
    while spans := _spans(connection, moment):
        yield Pruned(spans=spans)
    while events := _events(connection, moment):
        yield Pruned(events=events)
    while True:
        texts = _unused(connection, moment, max(second, 0) // STRETCH)
        if not texts:
            return
        yield Pruned(texts=texts)


_OLD_SPANS: Final = "SELECT id FROM span WHERE time < ? ORDER BY time, id LIMIT ?"
_UNUSED: Final = "SELECT id FROM {} WHERE used < ? ORDER BY used, id LIMIT ?"


def _spans(connection: sqlite3.Connection, moment: str) -> int:
    """Delete some of the old spans; how many."""
    count = 0

    def work() -> None:
        nonlocal count
        given = (moment, _SPANS)
        words.forget(connection, words.TOOLS, _OLD_SPANS, given)
        count = connection.execute(f"DELETE FROM span WHERE id IN ({_OLD_SPANS})", given).rowcount

    transaction(connection, work)
    return count


def _events(connection: sqlite3.Connection, moment: str) -> int:
    """Delete some of the old events; how many."""
    count = 0

    def work() -> None:
        nonlocal count
        old = "SELECT id FROM event WHERE time < ? ORDER BY time, id LIMIT ?"
        given = (moment, _SPANS)
        count = connection.execute(f"DELETE FROM event WHERE id IN ({old})", given).rowcount

    transaction(connection, work)
    return count


def _unused(connection: sqlite3.Connection, moment: str, stretch: int) -> int:
    """Delete some of the texts and histories that nothing has any more; how many."""
    count = 0

    def work() -> None:
        nonlocal count
        # A program may have written old ones meanwhile.
        for table in _DATED:
            old = f"SELECT 1 FROM {table} WHERE time < ? LIMIT 1"
            if connection.execute(old, (moment,)).fetchone():
                return
        for table in ("history", "text"):
            given = (stretch, _TEXTS - count)
            ids = _UNUSED.format(table)
            if table == "text" and count < _TEXTS:
                words.forget(connection, words.MESSAGES, ids, given)
            count += connection.execute(f"DELETE FROM {table} WHERE id IN ({ids})", given).rowcount
        if count:
            # Writers forget which rows they know.
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'pruned'")

    transaction(connection, work)
    return count


def _shrink(connection: sqlite3.Connection) -> Iterator[Pruned]:
    """Give pages that are free back to the disk."""
    ((page,),) = connection.execute("PRAGMA page_size")
    while True:
        ((free,),) = connection.execute("PRAGMA freelist_count")
        if not free:
            return
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        ((left,),) = connection.execute("PRAGMA freelist_count")
        if left >= free:
            return
        yield Pruned(bytes=(free - left) * page)
