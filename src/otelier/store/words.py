"""Full-text indexes over messages and tools: brought up to date when somebody searches.

Writing spans never pays for them. They are FTS5 tables of the words that the views of ``words.sql``
have, in the store itself: ``message_search`` (by ids of ``text``) and ``tool_search`` (by ids of
``span``). They hold no texts: FTS5 would read those of a view only if it did without JSON.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otelier.store.engine import Engine
from otelier.store.transactions import transaction

# Rows of one transaction: a few tens of milliseconds in which others do not write.
_STEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class Index:
    """A full-text table, the view that it is over, and the table whose ids it has."""

    name: str
    words: str
    table: str

    @property
    def done(self) -> str:
        """Where the store notes the last row that is in it."""
        return f"{self.name} has"


MESSAGES: Final = Index("message_search", "message_words", "text")
TOOLS: Final = Index("tool_search", "tool_words", "span")
INDEXES: Final = (MESSAGES, TOOLS)


def catch_up(connection: sqlite3.Connection) -> Iterator[int]:
    """Take in what was written since, step by step; how many rows each was about.

    Raises sqlite3.Error: who searches may do without what is not in yet.
    """
    for index in INDEXES:
        while count := _step(connection, index):
            yield count


def _step(connection: sqlite3.Connection, index: Index) -> int:
    if not _behind(connection, index):
        return 0
    count = 0

    def work() -> None:
        nonlocal count
        connection.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {index.name} USING fts5(body, content='')"
        )
        done = _done(connection, index)
        row = connection.execute(
            f"SELECT max(id) FROM (SELECT id FROM {index.table} WHERE id > ? ORDER BY id LIMIT ?)",
            (done, _STEP),
        ).fetchone()
        if row[0] is None:
            return
        connection.execute(
            f"INSERT INTO {index.name} (rowid, body)"
            f" SELECT id, body FROM {index.words} WHERE id > ? AND id <= ?",
            (done, row[0]),
        )
        connection.execute("REPLACE INTO meta VALUES (?, ?)", (index.done, row[0]))
        count = row[0] - done

    transaction(connection, work)
    return count


def _behind(connection: sqlite3.Connection, index: Index) -> bool:
    ((newest,),) = connection.execute(f"SELECT max(id) FROM {index.table}")
    return newest is not None and newest > _done(connection, index)


def _done(connection: sqlite3.Connection, index: Index) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (index.done,)).fetchone()
    return int(row[0]) if row is not None else 0


def backlog(engine: Engine) -> tuple[int, int]:
    """How many rows of an open store are not in the indexes yet, and how many there are."""
    left = whole = 0
    for index in INDEXES:
        sql = _BACKLOG.format(table=index.table)
        ((newest, done),) = engine.ask(sql, {"done": index.done}).rows
        left += max(0, int(newest) - int(done))
        whole += int(newest)
    return left, whole


_BACKLOG: Final = (
    "SELECT coalesce((SELECT max(id) FROM otelier.{table}), 0), "
    "coalesce((SELECT value FROM otelier.meta WHERE key = :done), 0)"
)


def forget(
    connection: sqlite3.Connection, index: Index, ids: str, given: tuple[object, ...]
) -> None:
    """Rows of the index' table are about to be deleted: ``ids`` is the SQL that finds them.

    To be called in the transaction that deletes them.
    """
    done = _done(connection, index)
    if done:
        connection.execute(
            f"INSERT INTO {index.name} ({index.name}, rowid, body) SELECT 'delete', id, body"
            f" FROM {index.words} WHERE id <= ? AND id IN ({ids})",
            (done, *given),
        )


def drop(connection: sqlite3.Connection) -> None:
    """Forget the indexes: the next search makes them anew."""
    for index in INDEXES:
        connection.execute(f"DROP TABLE IF EXISTS {index.name}")
        connection.execute("DELETE FROM meta WHERE key = ?", (index.done,))


# Scripts with no spaces between words: all of a sentence is one word of an index.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def terms(words: str) -> tuple[list[str], list[str]]:
    """What a person types: phrases between double quotes, and single words."""
    quoted = words.replace("\0", " ").split('"')
    phrases = [part.strip() for part in quoted[1::2] if part.strip()]
    return phrases, [word for part in quoted[::2] for word in part.split()]


def expression(words: str) -> str:
    """What a person types as FTS5's query: all of the words, each as a beginning.

    What stands between double quotes is looked for as it stands. Without what indexes do not know:
    see :func:`exact`.
    """
    phrases, loose = terms(words)
    found = [f'"{part}"' for part in phrases if _indexed(part)]
    return " ".join([*found, *(_beginning(word) for word in loose if _indexed(word))])


def exact(words: str) -> list[str]:
    """What has to be in a text as it is typed, since indexes have words alone: ``C++``, ``a_b``.

    And parts of sentences of scripts without spaces.
    """
    phrases, loose = terms(words)
    return [each for each in (*phrases, *loose) if not _indexed(each) or not _plain(each)]


def _beginning(word: str) -> str:
    return f'"{word}"*' if _letter(word[-1]) else f'"{word}"'


def _indexed(term: str) -> bool:
    return any(map(_letter, term)) and not _UNSPACED.search(term)


def _plain(term: str) -> bool:
    return all(_letter(each) or each.isspace() for each in term)


def _letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"
