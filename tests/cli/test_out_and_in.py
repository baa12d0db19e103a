"""``otelier export`` and ``otelier import`` over real stores and files."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import stat
import sys
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from otelier.cli.main import main
from otelier.store import logs
from otelier.store.choosing import Choice
from otelier.store.otlp_json import decode, line
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.sqlite import SQLite
from otelier.store.writer import Writer
from tests.store import chance
from tests.store.made import MOMENT, SECOND, chat, span, talk


def _store(path: Path, spans: list[StoredSpan], events: Sequence[StoredLog] = ()) -> Path:
    writer = Writer(path)
    writer.write(spans, events)
    writer.close()
    return path


def _spans(path: Path) -> list[StoredSpan]:
    store = SQLite(path)
    try:
        return [found for _, found in store.page(Choice())]
    finally:
        store.close()


def _events(path: Path) -> list[StoredLog]:
    store = SQLite(path)
    try:
        return [found for _, found in store.event_page(Choice())]
    finally:
        store.close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five traces of one span, a second after the other; the last is of a conversation."""
    path = _store(tmp_path / "t.db", [*map(span, range(4)), chat(4, talk(3))])
    monkeypatch.setenv("OTELIER_STORE", str(path))
    return path


def _exported(path: Path) -> list[int]:
    spans = [each for row in path.read_bytes().splitlines() for each in decode(row)]
    return [int(each.trace_id, 16) - 1 for each in spans]


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_what_goes_out_and_in_is_what_was_there(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spans = [each for seed in range(20) for each in chance.several(Random(seed), chance.span)] + [
        chat(number, talk(4, 500)) for number in range(20)
    ]
    first, second = _store(tmp_path / "a.db", spans), tmp_path / "b.db"
    file = tmp_path / name
    assert main(["export", str(file), "--store", str(first)]) == 0
    assert f"exported {len(spans)} spans" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert main(["import", str(file), "--store", str(second)]) == 0
    assert f"imported {len(spans)} spans" in capsys.readouterr().out
    assert sorted(map(repr, _spans(second))) == sorted(map(repr, _spans(first)))
    # Of the random ones those are whole that the store keeps whole.
    assert sorted(map(repr, _spans(first))) == sorted(map(repr, spans))
    assert main(["import", str(file), "--store", str(second)]) == 0
    assert (
        f"imported 0 spans into {second}; {len(spans)} spans known before"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_events_go_out_and_in_as_well(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        replace(log, name=f"gen_ai.{log.name}")
        for seed in range(20)
        for log in chance.several(Random(seed), chance.log)
    ]
    first, second = _store(tmp_path / "a.db", [span(1)], events), tmp_path / "b.db"
    told = f"1 span and {len(events)} events"
    assert main(["export", str(tmp_path / name), "--store", str(first)]) == 0
    assert f"exported {told} " in capsys.readouterr().out
    assert main(["import", str(tmp_path / name), "--store", str(second)]) == 0
    assert f"imported {told} " in capsys.readouterr().out
    assert sorted(map(repr, _events(second))) == sorted(map(repr, events))
    assert main(["import", str(tmp_path / name), "--store", str(second)]) == 0
    assert f"{told} known before" in capsys.readouterr().out


def test_events_that_are_chosen_and_those_that_are_not_kept(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def event(name: str, second: int, trace: int) -> StoredLog:
        return StoredLog(MOMENT + second * SECOND, name=name, trace_id=f"{trace + 1:032x}")

    found = [event("gen_ai.a", 1, 1), event("gen_ai.b", 4, 4), event("app.started", 2, 2)]
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_bytes(logs.line(found))
    assert main(["import", str(file)]) == 0
    printed = capsys.readouterr()
    assert "imported 2 events into" in printed.out and "1 left out: of log records" in printed.err
    for words, names in (
        ([], ["gen_ai.a", "gen_ai.b"]),
        (["--session", "c-1"], ["gen_ai.b"]),
        (["--trace", f"{2:032x}"], ["gen_ai.a"]),
        (["--until", "2026-11-20T10:00:04"], ["gen_ai.a"]),
    ):
        assert main(["export", str(out), *words]) == 0
        lines = out.read_bytes().splitlines()
        assert [log.name for line in lines for log in logs.decode(line)] == names


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [0, 1, 2, 3, 4]),
        (["--trace", f"{3:032x}"], [2]),
        (["--trace", "000"], [0, 1, 2, 3, 4]),
        (["--since", "2026-11-20T10:00:03"], [3, 4]),
        (["--until", "2026-11-20T10:00:01"], [0]),
        (["--since", "2026-11-20T10:00:01", "--until", "2026-11-20T10:00:03"], [1, 2]),
        (["--session", "c-1"], [4]),
    ],
)
def test_what_is_chosen(words: list[str], found: list[int], store: Path, tmp_path: Path) -> None:
    assert main(["export", str(tmp_path / "x"), *words]) == 0
    assert _exported(tmp_path / "x") == found


def test_standard_output_and_input(
    store: Path,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["export"]) == 0
    sent = capfdbinary.readouterr().out
    assert sent.endswith(b"}\n") and len(list(decode(sent))) == 5
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent)))
    other = tmp_path / "o.db"
    assert main(["import", "-", "--store", str(other)]) == 0
    assert list(map(repr, _spans(other))) == list(map(repr, _spans(store)))


def test_nothing_there(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    kept.write_text("before")
    assert main(["export", str(kept), "--trace", "f"]) == 1
    assert "no such spans" in capsys.readouterr().err
    assert kept.read_text() == "before" and len(list(tmp_path.glob(".kept*"))) == 0
    assert main(["export", "--store", str(tmp_path / "none.db")]) == 1
    assert "there is no store at" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "no" / "folder")]) == 1
    assert "No such file" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_what_cannot_be_imported_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = StoredSpan("0" * 32, "1" * 16, None, "no trace")
    (tmp_path / "x").write_bytes(line([span(1), bad]) + b"{nonsense\n\n" + line([bad, bad]))
    other = tmp_path / "o.db"
    assert main(["import", str(tmp_path / "x"), "--store", str(other)]) == 0
    printed = capsys.readouterr()
    assert "imported 1 span " in printed.out
    assert "1 line is not OTLP/JSON" in printed.err
    assert "3 left out: the trace id is not 16 bytes" in printed.err
    broken = tmp_path / "x.gz"
    broken.write_bytes(gzip.compress(line([span(1)]))[:-9])
    assert main(["import", str(broken), "--store", str(other)]) == 1
    assert "x.gz: " in capsys.readouterr().err


@pytest.mark.parametrize("words", [["import", "-"], ["prune"], ["forward", "--to", "http://h"]])
def test_what_is_written_is_a_file(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--store", "clickhouse://ada:secret@host/otelier"])
    said = capsys.readouterr()
    assert ended.value.code == 2 and not list(tmp_path.iterdir())
    assert "filled by others" in said.err and "secret" not in said.err + said.out


@pytest.mark.parametrize("option", [[], ["--parquet"]])
def test_a_store_is_not_written_over(
    option: list[str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if option:
        pytest.importorskip("pyarrow")
    before = store.read_bytes()
    assert main(["export", *option, str(store)]) == 2
    assert "is a database and left as it is" in capsys.readouterr().err
    assert store.read_bytes() == before


def test_an_export_holds_a_part_of_the_store_at_a_time(tmp_path: Path) -> None:
    large = {"x": "y" * (1 << 20)}
    spans = [span(number, attributes=large) for number in range(12)]
    store = SQLite(_store(tmp_path / "l.db", spans))
    pages, after = [], 0
    while found := store.page(Choice(), after):
        pages.append(len(found))
        after = found[-1][0]
    store.close()
    assert sum(pages) == 12 and max(pages) <= 4


def test_an_export_of_a_long_conversation_does_not_hold_it_many_times(tmp_path: Path) -> None:
    """Each call was sent all that was said before: 200 times up to 300 kB."""
    said = talk(100, 1500)
    spans = [chat(number, said[: number + 2]) for number in range(199)]
    store = SQLite(_store(tmp_path / "l.db", spans))
    after = count = 0
    tracemalloc.start()
    try:
        while found := store.page(Choice(), after):
            after = found[-1][0]
            count += len(found)
            del found
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        store.close()
    assert count == 199 and most < 16 << 20


def test_parquet(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "x.parquet"
    assert main(["export", "--parquet", str(file)]) == 0
    assert "exported 5 spans" in capsys.readouterr().out
    table = parquet.read_table(file)
    with sqlite3.connect(store) as connection:
        view = [row[1] for row in connection.execute("PRAGMA table_info(calls)")]
        (seconds, cost, tokens) = connection.execute(
            "SELECT seconds, cost, input_tokens FROM calls"
        ).fetchone()
    assert table.column_names == [*view, "attributes"]
    first, *_, last = table.to_pylist()
    assert (last["seconds"], last["cost"], last["input_tokens"]) == (seconds, cost, tokens)
    assert first["cost"] is None and first["operation"] == "" and first["tags"] == []
    assert str(last["time"]) == "2026-11-20 10:00:04+00:00" and last["model_call"] is True
    assert json.loads(last["attributes"])["gen_ai.conversation.id"] == "c-1"
