"""A conversation whose every call carries all that was said before: it is stored once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.store import filling
from benchmarks.store.workload import conversation
from otelier.store.reading import Reader

MESSAGE = 300
# Bytes of a call beside its two messages: its row, its indexes, two rows of each message.
BESIDE = 2200


def stored(folder: Path, turns: int) -> filling.Filled:
    return filling.store(folder / f"{turns}.db", conversation(turns, MESSAGE))


@pytest.mark.parametrize("turns", [100, 400])
def test_bytes_grow_with_the_turns_not_with_their_square(tmp_path: Path, turns: int) -> None:
    once, twice = stored(tmp_path, turns), stored(tmp_path, 2 * turns)
    # Sent is four times as much.
    assert twice.sent > 3.5 * once.sent
    assert twice.size < 2.1 * once.size
    assert (twice.size - once.size) / turns < 2 * MESSAGE * 1.2 + BESIDE


def test_rows_are_two_messages_a_turn(tmp_path: Path) -> None:
    turns = 200
    stored(tmp_path, turns)
    with closing(sqlite3.connect(tmp_path / f"{turns}.db")) as connection:
        ((texts,),) = connection.execute("SELECT count(*) FROM text").fetchall()
        ((histories,),) = connection.execute("SELECT count(*) FROM history").fetchall()
        found = [span for _, span in Reader(connection).after(0, turns + 1)]
    calls = list(conversation(turns, MESSAGE))
    refused = sum(span.status == "ERROR" for span in calls)
    # And what the system says, and the tools. An answer is a list, too; the last one only that.
    assert texts == 2 * turns + 2
    assert histories == 3 * turns - refused
    sent = "gen_ai.input.messages"
    assert [span.attributes[sent] for span in found] == [span.attributes[sent] for span in calls]
