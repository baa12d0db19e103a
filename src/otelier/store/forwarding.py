"""How far a store was sent on, for each destination: a number that is kept in the store itself."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from otelier.store import schema
from otelier.store.choosing import Choice, event_page, page
from otelier.store.engine import MissingError
from otelier.store.reading import Reader
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.transactions import transaction

_SECONDS: Final = 30.0
# Made where somebody forwards, in stores of any version: others need not know of it.
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS forwarded (
    destination TEXT PRIMARY KEY,
    -- The last row of each table that has arrived there.
    span INTEGER NOT NULL,
    event INTEGER NOT NULL
) WITHOUT ROWID
"""
_ALL: Final = Choice()


class Outbox:
    """What a store has for a destination, in the order in which it was written."""

    def __init__(self, path: Path, destination: str) -> None:
        """``destination``: its URL without secrets. Raises OSError, sqlite3.Error, StoreError."""
        if not path.exists():
            raise MissingError(path)
        self._path = path
        self._destination = destination
        self._open()

    def _open(self) -> None:
        self._connection = schema.opened(self._path, _SECONDS)
        self._file = schema.file(self._path)
        self._reader = Reader(self._connection)
        try:
            transaction(self._connection, self._begin)
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._connection.execute(_TABLE)
        self._connection.execute(
            "INSERT INTO forwarded VALUES (?, 0, 0) ON CONFLICT DO NOTHING", (self._destination,)
        )

    def version(self) -> object:
        """What is another whenever somebody else has written the store, or another is there now.

        Raises what the beginning does.
        """
        now = schema.file(self._path)
        if now is not None and now != self._file:
            # It was deleted or moved away: what is written now is not in it.
            self.close()
            self._open()
        return self._file, self._connection.execute("PRAGMA data_version").fetchone()[0]

    def spans(self) -> list[tuple[int, StoredSpan]]:
        """The next spans that did not arrive yet, with their numbers; as many as memory bears."""
        return page(self._reader, _ALL, self._last("span"))

    def events(self) -> list[tuple[int, StoredLog]]:
        """The next events, likewise."""
        return event_page(self._reader, _ALL, self._last("event"))

    def _last(self, table: str) -> int:
        sql = f"SELECT {table} FROM forwarded WHERE destination = ?"
        return int(self._connection.execute(sql, (self._destination,)).fetchone()[0])

    def arrived(self, table: str, number: int) -> None:
        """All up to this number of ``span`` or ``event`` are there."""
        self._connection.execute(
            f"UPDATE forwarded SET {table} = max({table}, ?) WHERE destination = ?",
            (number, self._destination),
        )

    def close(self) -> None:
        """Let go of the store."""
        with suppress(sqlite3.Error):
            self._connection.close()
