"""Indexes of words: made at once where little is new, else while pages are answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelier.store import words
from otelier.store.sqlite import SQLite
from otelier.web import indexing
from otelier.web.indexing import Indexing
from tests.questions.over_views import OverViews
from tests.store.made import chat, message, written


@pytest.fixture
def store(tmp_path: Path) -> SQLite:
    said = [chat(n, [message("user", f"a{n}"), message("assistant", "b")]) for n in range(10)]
    return SQLite(written(tmp_path / "t.db", said))


def test_little_is_taken_in_at_once(store: SQLite) -> None:
    made = Indexing()
    left, whole = words.backlog(store)
    assert left == whole == 21
    assert made.share(store) == 0
    assert made.ready(store)
    assert words.backlog(store) == (0, 21) and made.share(store) == 1


def test_much_is_taken_in_beside(store: SQLite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_FEW", 5)
    made = Indexing()
    assert not made.ready(store)
    assert made._worker is not None
    made._worker.join()
    assert words.backlog(store) == (0, 21)
    assert made.ready(store)


def test_an_empty_store_has_all_in_its_indexes(tmp_path: Path) -> None:
    store = SQLite(written(tmp_path / "t.db", []))
    assert Indexing().ready(store) and Indexing().share(store) == 1


def test_other_stores_have_none(store: SQLite) -> None:
    assert Indexing().ready(OverViews(store))
    assert words.backlog(store)[0] == 21
