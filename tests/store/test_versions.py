"""A store of each version that there has been is read, and written, by this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from otelier.store import schema
from otelier.store.sqlite import SQLite
from otelier.store.writer import Writer

from . import versions
from .made import span
from .test_writer import ask, check, read

VERSIONS = range(1, schema.VERSION + 1)


def test_there_is_one_of_each_version() -> None:
    assert [(versions.FOLDER / f"{number}.sql").exists() for number in VERSIONS] == [
        True for _ in VERSIONS
    ], "python -m tests.store.versions"


@pytest.mark.parametrize("number", VERSIONS)
def test_it_is_brought_up_to_date(tmp_path: Path, number: int) -> None:
    path = tmp_path / "t.db"
    connection = sqlite3.connect(path)
    connection.executescript((versions.FOLDER / f"{number}.sql").read_text())
    connection.close()
    assert ask(path, "PRAGMA user_version") == [(number,)]
    wanted = versions.spans()
    # What is there already, and one more.
    assert Writer(path).write([*wanted, span(9)], versions.logs()) == 1
    assert ask(path, "PRAGMA user_version") == [(schema.VERSION,)]
    for found, each in zip(read(path), [*wanted, span(9)], strict=True):
        check(found, each)
    store = SQLite(path)
    assert store.ask("SELECT sum(cost) FROM otelier.spent").rows == [(0.75,)]
    assert store.ask("SELECT evaluation, score, call FROM otelier.evaluations").rows == [
        ("helpful", 0.5, "chat gpt-4o")
    ]
    assert store.ask("SELECT count(*) FROM otelier.messages WHERE direction = 'input'").rows == [
        (9,)
    ]
    store.close()
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    # The same tables, indexes and views as one that is made now has.
    new = tmp_path / "new.db"
    Writer(new).write([span(1)])
    shape = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    assert ask(path, shape) == ask(new, shape)
