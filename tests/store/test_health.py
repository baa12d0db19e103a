"""Whether a store can be written is told before, and nothing is left changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from otelier.store import telling
from otelier.store.health import Health, look
from otelier.store.schema import VERSION
from otelier.store.writer import Writer
from tests.store import made
from tests.store.writing import fill


def store(folder: Path) -> Path:
    path = folder / "store.db"
    writer = Writer(path)
    writer.write([made.span(1)])
    writer.close()
    return path


def test_a_store_that_is_well(tmp_path: Path) -> None:
    path = store(tmp_path)
    before = path.read_bytes()
    assert look(path) == Health("", True, VERSION, len(before))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["store.db"]


def test_where_there_is_none_none_is_made(tmp_path: Path) -> None:
    assert look(tmp_path / "store.db") == Health()
    assert look(tmp_path / "a" / "b" / "store.db") == Health()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert look(tmp_path / "file" / "store.db").problem == f"{tmp_path / 'file'} is no folder"
    assert look(tmp_path).problem == "it is a folder"


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    assert look(tmp_path / "store.db") == Health("", True, 0, 0)


def test_who_only_waits_for_another_writer_can_write(tmp_path: Path) -> None:
    path = store(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert look(path).problem == ""


def test_damaged_and_others(tmp_path: Path) -> None:
    path = store(tmp_path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"x" * 5000)
    assert look(path).problem == "it is damaged; move it away, and a new one is made"
    path.write_bytes(b"no database" * 1000)
    assert look(path).problem.startswith("it is no database")


@pytest.mark.parametrize("began", [True, False], ids=["there", "not yet there"])
def test_a_full_disk(disk: Path, began: bool) -> None:
    path = store(disk) if began else disk / "store.db"
    rest = fill(disk)
    assert look(path).problem == "the disk is full"
    rest.unlink()
    assert look(path).problem == ""


@pytest.mark.parametrize("began", [True, False], ids=["there", "not yet there"])
def test_a_read_only_disk(disk: Path, began: bool) -> None:
    path = store(disk) if began else disk / "a" / "store.db"
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert "read-only" in look(path).problem.lower()


def test_what_is_told_is_found_again(tmp_path: Path) -> None:
    spans = [made.span(number) for number in range(3)]
    one, other = tmp_path / "one.db", tmp_path / "ö.db"
    telling.tell(str(tmp_path), one, spans[:2])
    telling.tell(str(tmp_path), one, spans[1:])
    telling.tell(str(tmp_path), other, spans[:1])
    (mine,) = (path for path in tmp_path.iterdir() if path.read_text().startswith(f"{one}\n"))
    # Of a process that was killed while it told: the last line may be a part of one.
    killed = mine.name.replace(str(os.getpid()), str(os.getpid() + 1))
    (tmp_path / killed).write_text(f"{one}\n{spans[0].trace_id} ab\n12345")
    assert telling.told(tmp_path, one) == {
        spans[0].trace_id: {spans[0].span_id, "ab"},
        spans[1].trace_id: {spans[1].span_id},
        spans[2].trace_id: {spans[2].span_id},
    }
    assert telling.told(tmp_path, other) == {spans[0].trace_id: {spans[0].span_id}}
    assert telling.elsewhere(tmp_path, one) == [other]
    assert telling.count(tmp_path, other) == 1
    with pytest.raises(FileNotFoundError):
        telling.tell(str(tmp_path / "gone"), one, spans)
