"""``otelier trace``, and ``otelier view`` without a file: the store by the viewer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from otelier.cli.main import main
from otelier.store import finding
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from otelier.viewer.look import Look
from otelier.viewer.tree import render
from tests.cli.running import few
from tests.store import made

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of 30 traces: the odd ones failed, every third is of session s-1."""
    path = tmp_path / "traces.db"
    monkeypatch.setenv("OTELIER_STORE", str(path))
    monkeypatch.delenv("COLUMNS", raising=False)
    writer = Writer(path)
    writer.write([span(number) for number in range(30)])
    writer.close()
    return path


def span(number: int) -> StoredSpan:
    attributes = {"session.id": "s-1"} if number % 3 == 0 else {}
    said = made.talk(number + 1)
    return made.chat(number, said, attributes=attributes, status="ERROR" if number % 2 else "UNSET")


def ids(number: int) -> str:
    return f"trace {number + 1:032x}"


@pytest.mark.parametrize("command", ["trace", "view"])
def test_the_last_trace(command: str, store: Path, capsys: Printed) -> None:
    assert main([command]) == 0
    printed = capsys.readouterr()
    assert printed.out == render([span(29)]) and printed.err == ""


def test_those_that_an_id_begins(store: Path, capsys: Printed) -> None:
    assert main(["trace", "0" * 30 + "1"]) == 0
    shown = [line[:38] for line in capsys.readouterr().out.splitlines() if "trace 0" in line]
    # 0x10 to 0x1e.
    assert shown == [ids(number) for number in range(15, 30)]
    assert main(["trace", ids(3)[6:].upper()]) == 0
    assert ids(3) in capsys.readouterr().out


def test_messages(store: Path, capsys: Printed) -> None:
    assert main(["trace", "--messages"]) == 0
    assert capsys.readouterr().out == render([span(29)], Look(messages=True))


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--last", "3"], [27, 28, 29]),
        (["--errors"], list(range(1, 30, 2))),
        (["--errors", "--last", "2"], [27, 29]),
        (["--session", "s-1"], list(range(0, 30, 3))),
        (["--session", "s-1", "--errors", "--last", "2"], [21, 27]),
        (["--grep", "USER 28 "], [28, 29]),
    ],
)
def test_what_is_chosen(
    options: list[str],
    numbers: list[int],
    store: Path,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "_FIRST", 2)
    assert main(["trace", *options]) == 0
    shown = [line[:38] for line in capsys.readouterr().out.splitlines() if "trace 0" in line]
    assert shown == [ids(number) for number in numbers]


def test_another_store(store: Path, tmp_path: Path, capsys: Printed) -> None:
    other = tmp_path / "other.db"
    store.rename(other)
    assert main(["trace", "--store", str(other)]) == 0
    assert ids(29) in capsys.readouterr().out
    # It is known by what is in it.
    assert main(["view", str(other), "--last", "1"]) == 0
    assert ids(29) in capsys.readouterr().out
    assert not store.exists()


def test_nothing_to_show_is_one_line(store: Path, tmp_path: Path, capsys: Printed) -> None:
    assert main(["trace", "abc"]) == 1
    said = capsys.readouterr()
    assert said.err == f"otelier trace: nothing of what was asked for in {store}\n"
    missing = tmp_path / "none.db"
    assert main(["trace", "--store", str(missing)]) == 1
    assert "there is no store at" in capsys.readouterr().err and not missing.exists()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 1000)
    assert main(["trace", "--store", str(broken)]) == 1
    assert "it is no database" in capsys.readouterr().err
    empty = tmp_path / "empty.db"
    Writer(empty).write([])
    assert main(["view", "--store", str(empty)]) == 1
    assert capsys.readouterr().err == f"otelier view: no spans in {empty}\n"
    assert main(["view", "file.jsonl", "--store", str(empty)]) == 2


def test_rows_for_programs(store: Path, capsys: Printed) -> None:
    assert main(["trace", ids(7)[6:], "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["model"] == "gpt-4o" and row["cost"] == 0.25


def test_a_password_is_never_shown(capsys: Printed) -> None:
    assert main(["trace", "--store", "clickhouse://me:secret@127.0.0.1:1/otelier"]) == 1
    printed = capsys.readouterr()
    assert "secret" not in printed.out + printed.err


def test_a_reader_that_stops_early_is_no_error(store: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "otelier.cli", "trace", "--last", "30", "--full"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**few(), "OTELIER_STORE": os.environ["OTELIER_STORE"]},
    )
    assert program.stdout is not None and program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait() == 0


@pytest.mark.parametrize("option", ["--session=s-1", "--errors", "--last=2", "--grep=x", "--full"])
def test_rows_of_a_trace_are_not_chosen_as_trees_are(
    option: str, store: Path, capsys: Printed
) -> None:
    assert main(["trace", "--json", option]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert main(["trace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["trace_id"] == ids(29)[6:]
