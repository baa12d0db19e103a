"""Several statements that are one change."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress


def transaction(connection: sqlite3.Connection, work: Callable[[], None]) -> None:
    """Do it all, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
