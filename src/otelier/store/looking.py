"""Which rows of an index have the words, the newest first.

What many say is found by looking at the newest rows: an index would read all that has the words, to
give the first of them. What few say is found by the index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from otelier.store import words
from otelier.store.words import Index

# Below an id so many rows with their words, the newest first; fewer where there are no more.
Newest: TypeAlias = Callable[[int, int], Sequence[tuple[int, str]]]
# Below an id so many ids of rows that have the words, by the index.
Indexed: TypeAlias = Callable[[int, int], Sequence[int]]

LAST: Final = (1 << 63) - 1
# Rows that are looked at together, at first and at most.
_FIRST: Final = 128
_MOST: Final = 1_024
# Looking goes on while one of so many has the words.
_COMMON: Final = 16
# Ids that an index is asked for at a time.
PORTION: Final = 2_000


@dataclass(slots=True)
class Effort:
    """How many rows may still be looked at; None for any number."""

    left: int | None = None

    def spend(self, rows: int) -> None:
        """So many were."""
        if self.left is not None:
            self.left -= rows

    @property
    def over(self) -> bool:
        """Whether it is to end here."""
        return self.left is not None and self.left <= 0


@dataclass(slots=True)
class Looking:
    """Goes through the rows of an index that have the words."""

    index: Index
    text: str
    newest: Newest
    indexed: Indexed
    # Brings the index up to date; False where it cannot be asked.
    ready: Callable[[], bool]
    effort: Effort = field(default_factory=Effort)
    # Rows from this id on are done; 0 when all are.
    below: int = LAST

    def ids(self) -> Iterator[int]:
        """The rows' ids, until all are found or the effort is spent."""
        if not any(words.terms(self.text)):
            self.below = 0
        common = yield from self._looked()
        if not common and self.below and not self.effort.over:
            yield from self._by_index()

    def _looked(self) -> Generator[int, None, bool]:
        """What looking finds; returns whether it is to go on so."""
        most = _FIRST
        can_ask = bool(words.expression(self.text))
        while self.below:
            if self.effort.over:
                return True
            rows = self.newest(self.below, most)
            self.effort.spend(len(rows))
            end = rows[-1][0] if len(rows) == most else 0
            found = having(rows, self.text)
            yield from self._each(found, end)
            if self.below != end:
                return True
            if can_ask and end and len(found) * _COMMON < most and self.ready():
                return False
            most = min(most * 2, _MOST)
        return True

    def _by_index(self) -> Iterator[int]:
        while self.below:
            ids = self.indexed(self.below, PORTION)
            end = ids[-1] if len(ids) == PORTION else 0
            yield from self._each(ids, end)
            if self.below != end:
                return

    def _each(self, ids: Sequence[int], end: int) -> Iterator[int]:
        """These, one after the other; then all from ``end`` on is done."""
        for each in ids:
            if self.effort.over:
                return
            self.effort.spend(1)
            # Whoever stops here has had this one.
            self.below = each
            yield each
        self.below = end


def having(rows: Sequence[tuple[int, str]], text: str) -> list[int]:
    """Ids of the rows that have the words, as an index of them finds them; in their order."""
    expression, exact = words.expression(text), words.exact(text)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)")
        connection.executemany("INSERT INTO row VALUES (?, ?)", rows)
        conditions = [
            f"instr(lower(body), lower(:term{number})) > 0" for number in range(len(exact))
        ]
        if expression:
            connection.execute("CREATE VIRTUAL TABLE found USING fts5(body, content='')")
            connection.execute("INSERT INTO found (rowid, body) SELECT id, body FROM row")
            conditions.append("id IN (SELECT rowid FROM found WHERE found MATCH :words)")
        given = {"words": expression, **{f"term{n}": term for n, term in enumerate(exact)}}
        asked = f"SELECT id FROM row WHERE {' AND '.join(conditions)} ORDER BY id DESC"
        return [row[0] for row in connection.execute(asked, given)]
