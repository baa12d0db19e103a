"""What is old is forgotten: spans, and the texts that no other span has."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from otelier.store import prune, sharing
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer

from .made import MOMENT, SECOND, chat, talk
from .test_writer import ask, check, read

HOUR = 3600 * SECOND


def at(hour: float, number: int, turns: int = 1, conversation: str = "") -> StoredSpan:
    """A call of a conversation, that hour after a fixed moment."""
    start = MOMENT + int(hour * HOUR)
    return chat(
        number,
        talk(turns, 600),
        attributes={"gen_ai.conversation.id": conversation or f"c-{number}"},
        start_ns=start,
        end_ns=start + SECOND,
    )


def pruned(path: Path, before: int | None = None, most: int | None = None) -> prune.Pruned:
    done = prune.Pruned()
    for step in Writer(path).prune(before, most):
        done.spans += step.spans
        done.texts += step.texts
        done.bytes += step.bytes
    return done


def whole(path: Path, wanted: Sequence[StoredSpan]) -> None:
    for found, each in zip(read(path), wanted, strict=True):
        check(found, each)
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_by_age(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    old = [at(n / 100, n, turns=3, conversation="old") for n in range(40)]
    new = [at(5 + n / 100, 100 + n, turns=5, conversation="new") for n in range(40)]
    Writer(path).write([*old, *new])
    assert pruned(path, MOMENT).spans == 0
    done = pruned(path, MOMENT + 4 * HOUR)
    assert done.spans == 40
    whole(path, new)
    # What the new ones have of the old ones is there; all else is not.
    assert {id for (id,) in ask(path, "SELECT id FROM text")} == {
        id for (id,) in ask(path, "SELECT text FROM history")
    }
    assert pruned(path, MOMENT + 4 * HOUR) == prune.Pruned()
    # A writer that remembers what is gone writes it anew.
    assert pruned(path, MOMENT + 100 * HOUR).spans == 40
    assert (
        ask(path, "SELECT count(*) FROM text")
        == [(0,)]
        == ask(path, "SELECT count(*) FROM history")
    )


def test_a_writer_goes_on_with_what_was_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    writer = Writer(path)
    writer.write([at(0, 1, turns=3, conversation="c")])
    pruned(path, MOMENT + 4 * HOUR)
    later = at(5, 2, turns=4, conversation="c")
    writer.write([later])
    whole(path, [later])


def test_a_conversation_of_days_is_kept_as_long_as_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    calls = [at(n, n, turns=n + 1, conversation="long") for n in range(10)]
    writer = Writer(path)
    for call in calls:
        writer.write([call])
        pruned(path, call.start_ns - HOUR // 2)
    whole(path, calls[-1:])
    # Spans may come late, and out of order.
    writer.write(calls[3:6])
    assert pruned(path, MOMENT).spans == 0
    whole(path, [calls[-1], *calls[3:6]])


def test_by_size(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    calls = [at(n / 10, n, turns=20, conversation=f"c-{n}") for n in range(1000)]
    calls = [
        chat(
            n,
            [{**each, "number": n} for each in talk(6, 600)],
            start_ns=call.start_ns,
            end_ns=call.end_ns,
        )
        for n, call in enumerate(calls)
    ]
    writer = Writer(path)
    for n in range(0, 1000, 100):
        writer.write(calls[n : n + 100])
    connection = sqlite3.connect(path)
    before = prune.size(connection)
    done = pruned(path, most=before // 3)
    assert prune.size(connection) <= before // 3
    assert done.bytes > 0
    left = len(read(path))
    assert 100 < left < 400 and done.spans == 1000 - left
    whole(path, calls[-left:])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert path.stat().st_size < before // 2
    # What is being written is never forgotten for its size.
    assert pruned(path, most=1).spans < left
    assert 0 < len(read(path)) <= 2


@pytest.mark.parametrize("hour", [0, 1])
def test_old_spans_that_come_while_it_goes_on_lose_nothing(tmp_path: Path, hour: int) -> None:
    path = tmp_path / "t.db"
    writer = Writer(path)
    writer.write([at(0, n, turns=2, conversation=f"c-{n}") for n in range(600)])
    late = at(hour, 5000, turns=9, conversation="late")
    other = Writer(path)
    for number, _ in enumerate(writer.prune(MOMENT + 2 * HOUR, None)):
        if number == 1:
            other.write([late])
    found = read(path)
    for each in found:
        check(each, late)
    assert len(found) <= 1


def test_a_text_is_used_as_late_as_any_process_says(tmp_path: Path) -> None:
    """One who knows it of long ago, and uses it again, must not take it from a later span."""
    path = tmp_path / "t.db"
    first, other = Writer(path), Writer(path)
    first.write([at(0, 1, turns=2, conversation="c")])
    newest = at(3, 2, turns=2, conversation="c")
    newest.attributes["a.long.text"] = "x" * 300  # type: ignore[index]
    other.write([newest])
    # Spans are written when they end; when they began may be long ago.
    late = at(1, 3, turns=2, conversation="c")
    late.attributes["a.long.text"] = "x" * 300  # type: ignore[index]
    first.write([late])
    pruned(path, MOMENT + 2 * HOUR)
    whole(path, [newest])


def test_what_writes_fast_forgets_as_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.db"
    most = 3 << 20
    monkeypatch.setattr(sharing, "limits", lambda: (None, most))
    # A step is far less than a batch.
    monkeypatch.setattr(prune, "_SPANS", 15)
    held = sharing.Sharing(path)
    for number in range(400):
        assert held.write([at(number / 4, number * 100 + each) for each in range(60)])
    held.close()
    with closing(sqlite3.connect(path)) as connection:
        assert prune.size(connection) < 2 * most
    assert len(read(path)) > 60
