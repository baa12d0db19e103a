"""The store's file: made, opened, brought up to date. ``schema.sql`` is its newest shape."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Final

from otelier.store import words
from otelier.store.engine import StoreError
from otelier.store.transactions import transaction

VERSION: Final = 2
# What SQLite's own tools show of the file: "otlr".
APPLICATION: Final = 0x6F746C72
# Two messages of 2 KB fill half of a page of 4 KB.
_PAGE: Final = 8192
_CACHE_KIB: Final = 8192

# From the version that is its key to the next one.
MIGRATIONS: Final[dict[int, str]] = {
    1: """\
CREATE INDEX span_own ON span (span_id);
CREATE INDEX span_request ON span (request_id) WHERE request_id != '';
CREATE INDEX span_tool ON span (
    time, tool, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'execute_tool';
CREATE INDEX span_retrieval ON span (
    time, data_source, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'retrieval';
""",
}


@cache
def script(name: str) -> str:
    """A file of SQL beside this one."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def make_file(path: Path) -> None:
    """The file and its folder, for their owner alone; where they are there, they stay as they are.

    Raises OSError, and StoreError for a path that can be none.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except ValueError as error:
        raise StoreError(str(error)) from error


def file(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def opened(path: Path, seconds: float) -> sqlite3.Connection:
    """A connection that writes, to a store of the newest version; it is made if it is not there.

    Waits ``seconds`` for other writers. Raises OSError, sqlite3.Error, or StoreError for a file
    that is another program's or of a newer otelier.
    """
    make_file(path)
    connection = sqlite3.connect(
        path, timeout=seconds, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    version = check(connection)
    if version == 0:
        # Of a file that is empty; later they change nothing.
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    # A killed process loses nothing that was written; a power cut the last moments.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    if version != VERSION or _views(connection) != _digest():
        transaction(connection, lambda: _bring_up(connection))


def check(connection: sqlite3.Connection, name: str = "main") -> int:
    """The version of a store; 0 for an empty file. Raises StoreError for what is none of ours.

    ``name``: what it is attached as.
    """
    ((version,),) = connection.execute(f"PRAGMA {name}.user_version")
    ((application,),) = connection.execute(f"PRAGMA {name}.application_id")
    ((tables,),) = connection.execute(f"SELECT count(*) FROM {name}.sqlite_master")
    if application != APPLICATION and (version or tables):
        raise StoreError("it is a database of another program")
    if version > VERSION:
        raise StoreError(
            f"a newer otelier made it (version {version}, this one knows {VERSION}); update otelier"
        )
    return int(version)


def _bring_up(connection: sqlite3.Connection) -> None:
    # Another process may have done it while this one waited.
    version = check(connection)
    if version == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        _run(connection, script("schema.sql"))
    for number in range(version or VERSION, VERSION):
        _run(connection, MIGRATIONS[number])
    connection.execute(f"PRAGMA user_version = {VERSION}")
    if _views(connection) != _digest():
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'view'"
        ).fetchall():
            connection.execute(f'DROP VIEW "{name}"')
        words.drop(connection)
        _run(connection, _all_views())
        connection.execute("UPDATE meta SET value = ? WHERE key = 'views'", (_digest(),))


def _views(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT value FROM meta WHERE key = 'views'").fetchall()
    return str(rows[0][0]) if rows else ""


def _all_views() -> str:
    return script("views.sql") + script("words.sql")


@cache
def _digest() -> str:
    return blake2b(_all_views().encode(), digest_size=8).hexdigest()


def _run(connection: sqlite3.Connection, sql: str) -> None:
    """Several statements; ``executescript`` would end the transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
