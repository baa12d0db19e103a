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


def stretch(nanoseconds: int) -> int:
    """In which stretch of time since 1970 a moment is."""
    return nanoseconds // (STRETCH * 10**9)


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
        yield from _older(connection, max(stretch(before), 0))
    while most is not None and size(connection) > most:
        moment = _oldest(connection)
        if moment is None:
            break
        yield from _older(connection, moment)
    yield from _shrink(connection)


def _oldest(connection: sqlite3.Connection) -> int | None:
    """Before which stretch the oldest share of spans, or of events, began.

    None where no stretch is over.
    """
    ends = (_oldest_of(connection, table) for table in _DATED)
    return min((end for end in ends if end is not None), default=None)


def _oldest_of(connection: sqlite3.Connection, table: str) -> int | None:
    ((first, last),) = connection.execute(f"SELECT min(id), max(id) FROM {table}")
    if first is None:
        return None
    skipped = (last - first) // _SHARE
    ((newest,),) = connection.execute(f"SELECT max(time) FROM {table}")
    row = connection.execute(
        f"SELECT time FROM {table} ORDER BY time LIMIT 1 OFFSET ?", (skipped,)
    ).fetchone() or (newest,)
    end = stretch(rows.nanoseconds(row[0])) + 1
    # What is being written has a stretch that goes on.
    return end if end <= stretch(rows.nanoseconds(newest)) else None


def _older(connection: sqlite3.Connection, end: int) -> Iterator[Pruned]:
    """Forget what is older than a stretch of time."""
    moment = rows.moment(end * STRETCH * 10**9)
    while spans := _dated(connection, "span", moment):
        yield Pruned(spans=spans)
    while events := _dated(connection, "event", moment):
        yield Pruned(events=events)
    while texts := _unused(connection, moment, end):
        yield Pruned(texts=texts)


_OLD: Final = "SELECT id FROM {} WHERE time < ? ORDER BY time, id LIMIT ?"
_UNUSED: Final = "SELECT id FROM {} WHERE used < ? ORDER BY used, id LIMIT ?"


def _dated(connection: sqlite3.Connection, table: str, moment: str) -> int:
    """Delete some of the old spans, or events; how many."""
    count = 0

    def work() -> None:
        nonlocal count
        given = (moment, _SPANS)
        ids = _OLD.format(table)
        if table == words.TOOLS.table:
            words.forget(connection, words.TOOLS, ids, given)
        count = connection.execute(f"DELETE FROM {table} WHERE id IN ({ids})", given).rowcount

    transaction(connection, work)
    return count


def _unused(connection: sqlite3.Connection, moment: str, end: int) -> int:
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
            given = (end, _TEXTS - count)
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
