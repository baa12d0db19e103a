"""``otelier sql``: a query of one's own, and what it may not do."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from otelier.cli.main import main
from otelier.store.sqlite import SQLite
from otelier.store.writer import Writer
from tests.cli.running import few
from tests.store.made import chat, message

SAID = [message("user", "where is it?"), message("assistant", "there")]
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\r\n\u202eevil\x9b2J"


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch, plain: None) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "t.db"
    unknown = {"gen_ai.usage.cost": None, "gen_ai.request.model": "own"}
    writer = Writer(path)
    writer.write([chat(1, SAID), chat(2, SAID, attributes=unknown)])
    # What is closed last puts the log of changes into the file.
    writer.close()
    monkeypatch.setenv("OTELIER_STORE", str(path))
    return path


def test_a_table(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT model, cost, input_tokens FROM calls ORDER BY time"
    for asked in (query, f"{query} ; \n", query.replace("calls", "otelier.calls")):
        assert main(["sql", asked]) == 0
        printed = capsys.readouterr()
        assert printed.out.splitlines() == [
            "model   cost  input_tokens",
            "gpt-4o  0.25            10",
            "own        –            10",
        ]
        assert printed.err == ""


def test_json_tells_values_as_they_are(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT 1 AS a, 2.5 AS a, NULL AS n, 1e999 AS big, x'00ff' AS bytes, 'é' AS text"
    assert main(["sql", query, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"a": 1, "a_2": 2.5, "n": None, "big": None, "bytes": "00ff", "text": "é"}
    ]


def test_csv(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT 'a,\"b\"\nc' AS x, NULL AS y", "--csv"]) == 0
    found = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert list(found) == [["x", "y"], ['a,"b"\nc', ""]]


def test_from_standard_input(store: Path) -> None:
    asked = "SELECT count(*) AS calls\nFROM calls -- all of them\n;\n"
    done = subprocess.run(
        [sys.executable, "-m", "otelier.cli", "sql", "-", "--json"],
        input=asked.encode() + b"-- \xff",
        env=few(OTELIER_STORE=str(store)),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == [{"calls": 2}]


COUNTED = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT i FROM n"
)


@pytest.mark.parametrize(
    ("words", "rows", "told"),
    [
        ([], 1000, "otelier sql: there are more than 1,000 rows: --limit 0 shows all\n"),
        (["--limit", "0"], 1500, ""),
        (["--limit", "1500"], 1500, ""),
        (["--limit", "7"], 7, "otelier sql: there are more than 7 rows: --limit 0 shows all\n"),
        (["--csv"], 1500, ""),
        (["--csv", "--limit", "1"], 1, "otelier sql: only the first row: --limit 0 shows all\n"),
    ],
)
def test_limits(
    words: list[str], rows: int, told: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", COUNTED, *words]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == rows + 1
    assert printed.err == told


def test_columns_without_room(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT * FROM calls"]) == 0
    printed = capsys.readouterr()
    assert "columns are not shown" in printed.err
    assert max(map(len, printed.out.splitlines())) <= 100
    assert main(["sql", "SELECT * FROM calls", "--wide"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "cache_write_tokens" in printed.out


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT wrong FROM calls", "no such column: wrong"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT :x", "binding parameter :x"),
        ("", "there is no query"),
        (" ;\n", "there is no query"),
        ("-- nothing", "only reading is possible here"),
        ("DELETE FROM span", "only reading is possible here"),
        ("DROP VIEW otelier.calls", "only reading is possible here"),
        ("CREATE TABLE mine AS SELECT 1", "only reading is possible here"),
        ("INSERT INTO otelier.text VALUES (1, 2, 3, 4)", "only reading is possible here"),
        ("PRAGMA user_version = 7", "only reading is possible here"),
        ("ATTACH DATABASE 'other.db' AS other", "only reading is possible here"),
        ("VACUUM", "only reading is possible here"),
        ("SELECT load_extension('x')", "not authorized"),
        ("SELECT '\udcff' + \x00", "incomplete input"),
    ],
)
def test_what_cannot_be_asked(
    query: str, told: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.read_bytes()
    assert main(["sql", query]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("otelier sql: ")
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert store.read_bytes() == before


def test_what_takes_too_long(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("otelier.cli.sql.opened", lambda _: SQLite(store, seconds=0.05))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    assert main(["sql", endless]) == 1
    assert capsys.readouterr().err == "otelier sql: it took longer than 0.05 s and was ended\n"


def test_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["SELECT 1"]):
        assert main(["sql", *words, "--store", str(tmp_path / "none.db")]) == 1
        assert "there is no store at" in capsys.readouterr().err


def test_nothing_found(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT name FROM calls WHERE model = 'x'"
    assert main(["sql", query]) == 0
    printed = capsys.readouterr()
    assert (printed.out, "nothing of that in" in printed.err) == ("", True)
    assert main(["sql", query, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["sql", query, "--csv"]) == 0
    assert capsys.readouterr().out == "name\n"


def test_views_are_listed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it is; what is told can be asked."""
    assert main(["sql", "--json"]) == 0
    views = {each["view"]: each for each in json.loads(capsys.readouterr().out)}
    assert {"calls", "spent", "messages", "evaluations", "trace", "ago"} <= set(views)
    assert not {"lists", "message_words", "tool_words"} & set(views)
    for name, each in views.items():
        assert each["help"]
        if name != "trace":
            assert main(["sql", f"SELECT {', '.join(each['columns'])} FROM {name}"]) == 0
    capsys.readouterr()
    assert main(["sql"]) == 0
    shown = capsys.readouterr().out
    assert "\ncosts  A row for each day (UTC), tenant and model\n  day, tenant, model," in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert main(["sql", "--csv"]) == 0
    assert "costs,day\n" in capsys.readouterr().out


def test_hostile_texts_cannot_control_a_terminal(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"gen_ai.request.model": HOSTILE}
    Writer(store).write([replace(chat(9, SAID, attributes=more), name=HOSTILE)])
    quoted = HOSTILE.replace('"', '""')
    for words in (
        ["SELECT name, model, message FROM calls JOIN messages USING (span_id, model)"],
        ["SELECT name, model FROM calls", "--wide"],
        [f'SELECT name AS "{quoted}" FROM calls'],
        [f'SELECT "{quoted}" FROM nowhere.calls'],
    ):
        main(["sql", *words])
        printed = capsys.readouterr()
        assert not set(printed.out + printed.err) & set("\x1b\x07\r\u202e\x9b"), words


def test_a_terminal_is_not_controlled_by_json_or_csv(store: Path) -> None:
    pty = pytest.importorskip("pty")
    Writer(store).write([replace(chat(9, SAID), name=HOSTILE)])
    for form in ("--json", "--csv"):
        ours, theirs = pty.openpty()
        with open(ours, "rb", buffering=0) as shown, open(theirs, "wb") as terminal:
            subprocess.run(
                [sys.executable, "-m", "otelier.cli", "sql", "SELECT name FROM calls", form],
                env=few(OTELIER_STORE=str(store), PYTHONUTF8="1"),
                stdout=terminal,
                check=True,
            )
            text = shown.read(65536).decode()
        assert "owned" in text
        assert not set(text) & set("\x1b\x07\u202e\x9b")
