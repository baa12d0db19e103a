"""A person's own queries: what is asked, what comes of it, and that each can be ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from otelier.store import queries, query_child
from otelier.store.engine import Answer, LateError, StoreError
from otelier.store.query_process import Ending, Processes, asker
from otelier.store.sqlite import SQLite
from tests.store.made import chat, talk, written

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
# One step of SQLite's machine, between two looks at the clock.
ONE_LONG_STEP = "SELECT instr(zeroblob(300000000), zeroblob(20000000) || x'01')"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "t.db"
    return written(path, [chat(n, talk(2)) for n in range(3)])


def ask(asked: Processes, query: str, most: int | None = None) -> Answer:
    return asked.ask(query, most, Ending())


def test_a_query_is_asked_as_it_is_but_for_what_no_store_has() -> None:
    assert queries.read(" SELECT 1 ;\r\n; \n") == "SELECT 1"
    assert queries.read("SELECT '\udcff;\0'") == "SELECT '?; '"
    for nothing in ("", " ;\n", "\0"):
        with pytest.raises(StoreError, match="there is no query"):
            queries.read(nothing)


def test_one_row_more_tells_that_there_are_more() -> None:
    asked = []

    def answer(query: str, most: int | None) -> Answer:
        asked.append(most)
        return Answer(("a", "a", "a_2"), [(1, 2, 3)] * (5 if most is None else min(most, 5)))

    found = queries.found(answer, "SELECT", 2)
    assert (len(found.rows), found.cut, found.columns) == (2, True, ("a", "a_2", "a_2_2"))
    assert found.dicts()[0] == {"a": 1, "a_2": 2, "a_2_2": 3}
    for most in (5, None):
        found = queries.found(answer, "SELECT", most)
        assert (len(found.rows), found.cut) == (5, False)
    assert asked == [3, 6, None]


def test_every_example_and_view_can_be_asked(store: Path) -> None:
    engine = SQLite(store)
    for example in queries.EXAMPLES:
        engine.ask(queries.read(example.sql))
    views = {view.name: columns for view, columns in queries.described(engine)}
    assert "cost" in views["spent"] and "time" in views["trace"]
    engine.close()


def test_another_process_answers_with_values_as_they_are(store: Path) -> None:
    asked = Processes(str(store))
    found = ask(
        asked, "SELECT 1 AS a, 2.5 AS b, NULL AS n, 1e999 AS i, x'00ff' AS x, 'é' || 7 AS t"
    )
    assert found.columns == ("a", "b", "n", "i", "x", "t")
    assert found.rows == [(1, 2.5, None, float("inf"), b"\x00\xff", "é7")]
    assert ask(asked, "SELECT count(*) FROM calls").rows == [(3,)]
    assert ask(asked, ENDLESS.replace("max(i)", "i"), 4).rows == [(1,), (2,), (3,), (4,)]


def test_what_the_engine_says_is_told(store: Path, tmp_path: Path) -> None:
    asked = Processes(str(store))
    with pytest.raises(StoreError, match='near "SELEC": syntax error'):
        ask(asked, "SELEC 1")
    with pytest.raises(StoreError, match="only reading is possible here"):
        ask(asked, "DELETE FROM span")
    assert ask(asked, "SELECT 1").rows == [(1,)]
    with pytest.raises(StoreError, match="there is no store at"):
        ask(Processes(str(tmp_path / "none.db")), "SELECT 1")


@pytest.mark.parametrize("query", [ENDLESS, ONE_LONG_STEP], ids=["endless", "one long step"])
def test_what_takes_too_long_is_ended(store: Path, query: str) -> None:
    asked = Processes(str(store), 0.05)
    with pytest.raises(StoreError, match=r"longer than 0\.05 s and was ended"):
        ask(asked, query)
    assert ask(asked, "SELECT 1").rows == [(1,)]


@pytest.mark.parametrize("query", [ENDLESS, ONE_LONG_STEP], ids=["endless", "one long step"])
def test_who_waits_no_longer_ends_it(store: Path, query: str) -> None:
    asked = Processes(str(store), 3600)
    ask(asked, "SELECT 1")
    ending = Ending()
    ending.now()
    with pytest.raises(LateError):
        asked.ask(query, None, ending)
    assert ask(asked, "SELECT 1").rows == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_is_bounded(store: Path) -> None:
    asked = Processes(str(store), memory=600 << 20)
    with pytest.raises(StoreError, match="too much memory"):
        ask(asked, ENDLESS.replace("max(i)", "zeroblob(100000000)"))
    assert ask(asked, "SELECT 1").rows == [(1,)]


def test_no_temporary_files_are_written(store: Path) -> None:
    for spill, kind in ((True, 0), (False, 2)):
        engine = SQLite(store, spill=spill)
        engine._connection.set_authorizer(None)
        assert engine._connection.execute("PRAGMA temp_store").fetchone() == (kind,)
        engine.close()


def test_an_answer_that_is_too_large_is_none(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_child, "_ANSWER", 2 << 20)
    asked = {"sql": "SELECT zeroblob(3000000)", "most": None, "seconds": 10}
    monkeypatch.setattr(query_child, "_limit", lambda *_: None)
    assert b"more than 2 MiB: ask for fewer" in query_child._answer(store, asked)


def test_several_are_asked_at_once(store: Path) -> None:
    asked = Processes(str(store))
    began = threading.Barrier(3)

    def one(number: int) -> Answer:
        began.wait()
        return ask(asked, f"SELECT {number}")

    with ThreadPoolExecutor(3) as threads:
        assert [answer.rows for answer in threads.map(one, range(3))] == [[(0,)], [(1,)], [(2,)]]


def test_a_process_that_went_away_is_replaced(store: Path) -> None:
    asked = Processes(str(store))
    ask(asked, "SELECT 1")
    assert asked._idle is not None
    asked._idle.kill()
    asked._idle.wait()
    assert ask(asked, "SELECT 2").rows == [(2,)]


def test_nothing_is_left_behind(store: Path) -> None:
    """Who waits for all that has this error stream waits for the processes, too."""
    program = (
        "import sys; from otelier.store.query_process import Ending, asker; "
        "print(asker(sys.argv[1]).ask('SELECT 5', None, Ending()).rows)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(store)], capture_output=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == (b"[(5,)]\n", b"")


def test_a_cluster_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Engine:
        def ask(self, query: str, most: int | None) -> Answer:
            return Answer((query,), [(most,)])

        def close(self) -> None:
            opened.append("closed")

    def opens(where: str, seconds: float) -> Engine:
        opened.append((where, seconds))
        return Engine()

    monkeypatch.setattr("otelier.store.query_process.opened", opens)
    asked = asker("clickhouse://host/db", 7)
    assert asked.ask("SELECT", 3, Ending()) == Answer(("SELECT",), [(3,)])
    assert opened == [("clickhouse://host/db", 7), "closed"]
