"""Spans into the store and out again: whole, once, each text once."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import stat
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from otelier.store import schema
from otelier.store.engine import StoreError
from otelier.store.reading import Reader
from otelier.store.spans import StoredEvent, StoredLink, StoredScope, StoredSpan
from otelier.store.writer import Writer

from .made import MOMENT, chat, message, span, talk


def read(path: Path) -> list[StoredSpan]:
    """All spans of a store, in the order in which they were written."""
    connection = sqlite3.connect(path)
    try:
        return [found for _, found in Reader(connection).after(0, 1_000_000)]
    finally:
        connection.close()


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def lists(value: Any) -> Any:
    """With lists for tuples, and NaN by its name: what is equal when it comes back."""
    if isinstance(value, list | tuple):
        return [lists(member) for member in value]
    if isinstance(value, dict):
        return {key: lists(member) for key, member in value.items()}
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def check(found: StoredSpan, wanted: StoredSpan) -> None:
    for field in fields(wanted):
        there, given = getattr(found, field.name), getattr(wanted, field.name)
        if field.name == "attributes":
            assert list(there) == list(given)
            for name, value in given.items():
                assert lists(there[name]) == lists(value), name
                assert isinstance(value, list | tuple) or type(there[name]) is type(value), name
        else:
            assert there == given, field.name


ODD: dict[str, Any] = {
    "text": "über 😀 \x1b[31m \x00 \\u0000",
    "empty": "",
    "yes": True,
    "int": 2**63 - 1,
    "negative": -(2**63),
    "whole": 3.0,
    "minus zero": -0.0,
    "small": 5e-324,
    "nan": math.nan,
    "inf": math.inf,
    "less": -math.inf,
    "bytes": b"\x00\xff",
    "none": None,
    "list": ["a", 1, 2.5, None, [True, b"x"]],
    "map": {"a": {"b": [1, {"c": None}]}, "d": b"1"},
    "like a tag": {"text": 1},
    "like another": {"history": 1, "join": ","},
    "like bytes": {"bytesValue": "eA=="},
    "like a map": {"kvlistValue": {"doubleValue": "NaN"}},
    "join alone": {"join": ","},
    "three": {"text": 1, "join": 2, "more": 3},
    "long": "y" * 10_000,
    "gen_ai.tool.call.arguments": json.dumps({"city": "Paris" * 100}),
    "gen_ai.input.messages": [message("user", "hi"), {"role": "user", "parts": []}],
    "gen_ai.output.messages": "no JSON [",
    "gen_ai.system_instructions": "[1, 2]",
}


def test_a_span_comes_back_whole(tmp_path: Path) -> None:
    wanted = span(
        1,
        "odd \x00 name",
        parent_id="00000000000000aa",
        kind="PRODUCER",
        attributes=ODD,
        status="ERROR",
        status_message="went wrong",
        events=(
            StoredEvent("first", MOMENT, {"n": 1, "bytes": b"1"}, 2),
            StoredEvent("", 0),
        ),
        links=(StoredLink("0" * 31 + "1", "0" * 15 + "2", {"why": "x"}, "a=b", 0x300, 4),),
        scope=StoredScope("s", "1", {"k": [1]}, 5, "https://example.org/s"),
        trace_state="vendor=value,other=1",
        flags=0x301,
        dropped_attributes=1,
        dropped_events=2,
        dropped_links=3,
    )
    assert Writer(tmp_path / "t.db").write([wanted]) == 1
    (found,) = read(tmp_path / "t.db")
    check(found, wanted)


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 0), (MOMENT, MOMENT - 1), (0, 2**64 - 1), (2**64 - 1, 0), (2**63, 2**63 + 5), (1, 2)],
)
def test_times_come_back_as_they_were(tmp_path: Path, start: int, end: int) -> None:
    Writer(tmp_path / "t.db").write([replace(span(1), start_ns=start, end_ns=end)])
    (found,) = read(tmp_path / "t.db")
    assert (found.start_ns, found.end_ns) == (start, end)


def test_half_a_character_loses_nothing_else(tmp_path: Path) -> None:
    broken = span(1, "a\ud800b", attributes={"x": "y\udfff", "long": "z" * 300 + "\ud800"})
    assert Writer(tmp_path / "t.db").write([span(0), broken, span(2)]) == 3
    found = read(tmp_path / "t.db")
    assert [each.name for each in found] == ["step", "a\ufffdb", "step"]
    assert found[1].attributes == {"x": "y\ufffd", "long": "z" * 300 + "\ufffd"}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_conversation_is_stored_once(tmp_path: Path, separators: tuple[str, str]) -> None:
    said = talk(20)
    calls = [chat(turn, said[: 2 * turn + 2], separators=separators) for turn in range(20)]
    writer = Writer(tmp_path / "t.db")
    # In batches of different sizes, and by a writer that has forgotten what it wrote.
    writer.write(calls[:1])
    writer.write(calls[1:9])
    Writer(tmp_path / "t.db").write(calls[9:])
    for found, wanted in zip(read(tmp_path / "t.db"), calls, strict=True):
        check(found, wanted)
    ((texts,),) = ask(tmp_path / "t.db", "SELECT count(*) FROM text")
    ((histories,),) = ask(tmp_path / "t.db", "SELECT count(*) FROM history")
    # Each answer is a list of its own as well; the last one was never sent.
    assert texts == 40 and histories == 39 + 20
    lengths = ask(
        tmp_path / "t.db",
        "SELECT h.length FROM span JOIN history AS h ON h.id = span.input ORDER BY span.id",
    )
    assert [length for (length,) in lengths] == [2 * turn + 1 for turn in range(20)]


def test_the_same_beginning_is_the_same_row_in_other_conversations(tmp_path: Path) -> None:
    said = talk(3)
    one = chat(1, said, attributes={"gen_ai.conversation.id": "a"})
    other = chat(2, [*said[:4], message("user", "else")], attributes={})
    Writer(tmp_path / "t.db").write([one, other])
    (first, second) = ask(
        tmp_path / "t.db",
        "SELECT h.previous FROM span JOIN history AS h ON h.id = input ORDER BY span.id",
    )
    shared = ask(tmp_path / "t.db", f"SELECT length FROM history WHERE id = {first[0]}")
    assert shared == [(4,)] and second == (
        shared and ask(tmp_path / "t.db", f"SELECT previous FROM history WHERE id = {first[0]}")[0]
    )


def test_odd_lists_are_kept_to_the_byte(tmp_path: Path) -> None:
    texts = [
        '[{"a":1} ,{"a":2}]',
        '[ {"a":1}]',
        '[{"a":1},{"a":2}, {"a":3}]',
        '[{"a":1,"a":2}]',
        '[{"a":1.0e5}, {"b":"\\u00fc"}]',
        '[{"a":1}]\n',
        "[]",
        "[{}]",
        '[{"a":12345678901234567890123}]',
        '[{"a":"\\ud800"}]',
        '{"role":"user"}',
        "[1,2,3]",
        "[" * 2000 + "]" * 2000,
    ]
    calls = [
        span(n, attributes={"gen_ai.input.messages": text, "gen_ai.output.messages": text})
        for n, text in enumerate(texts)
    ]
    Writer(tmp_path / "t.db").write(calls)
    for found, wanted in zip(read(tmp_path / "t.db"), calls, strict=True):
        assert found.attributes == wanted.attributes


def test_what_is_delivered_twice_is_stored_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "t.db")
    assert writer.write([span(1), span(1), span(2)]) == 2
    assert writer.write([span(1), span(3)]) == 1
    assert Writer(tmp_path / "t.db").write([span(3)]) == 0
    assert [each.span_id for each in read(tmp_path / "t.db")] == [
        f"{n + 1:016x}" for n in (1, 2, 3)
    ]
    # A server's span may have the id of its client's.
    assert writer.write([replace(span(1), kind="SERVER")]) == 1


def test_a_batch_that_fails_leaves_nothing_and_what_comes_later_is_right(tmp_path: Path) -> None:
    said = talk(4)
    writer = Writer(tmp_path / "t.db")
    writer.write([chat(0, said[:2])])
    broken: Any = replace(chat(2, said[:6]), name=object())
    with pytest.raises(sqlite3.Error):
        writer.write([chat(1, said[:4]), broken])
    assert len(read(tmp_path / "t.db")) == 1
    calls = [chat(n, said[: 2 * n + 2]) for n in range(4)]
    assert writer.write(calls) == 3
    for found, wanted in zip(read(tmp_path / "t.db"), calls, strict=True):
        check(found, wanted)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "t.db"
    old = os.umask(0o022)
    try:
        writer = Writer(path)
        writer.write([span(1)])
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    finally:
        os.umask(old)
    assert len(list(path.parent.iterdir())) == 3
    writer.close()


def test_what_is_no_store_of_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Writer(path).write([span(1)])
    assert path.read_bytes() == before
    newer = tmp_path / "newer.db"
    Writer(newer).write([span(1)])
    connection = sqlite3.connect(newer)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer otelier"):
        Writer(newer).write([span(2)])


def test_of_a_batch_the_reading_that_read_most_is_paid_for(tmp_path: Path) -> None:
    def reading(number: int, batch: str, tokens: int | None) -> StoredSpan:
        told: dict[str, Any] = {
            "gen_ai.operation.name": "batch_results",
            "gen_ai.provider.name": "anthropic",
            "otelier.batch.id": batch,
        }
        if tokens is not None:
            told["gen_ai.usage.input_tokens"] = tokens
        return span(number, "batch_results", kind="CLIENT", attributes=told)

    path = tmp_path / "t.db"
    writer = Writer(path)
    writer.write([reading(1, "a", 5), reading(2, "b", None)])
    writer.write([reading(3, "a", 9), reading(4, "c", 1)])
    writer.write([reading(5, "a", 9), reading(6, "a", 2), reading(7, "b", 3)])
    paid = ask(path, "SELECT batch, input_tokens, span_id FROM span WHERE paid ORDER BY batch")
    assert paid == [("a", 9, f"{4:016x}"), ("b", 3, f"{8:016x}"), ("c", 1, f"{5:016x}")]
