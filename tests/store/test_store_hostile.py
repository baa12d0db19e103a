"""What nobody should send: it is stored, and read back as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from otelier import unicode
from otelier.store import sharing
from otelier.store.exporter import StoreSpanExporter
from otelier.store.reading import Reader
from otelier.store.spans import StoredEvent, StoredLink, StoredResource, StoredScope, StoredSpan
from otelier.store.writer import Writer
from tests.hostile import IDS, INJECTION, LONE, MESSAGE, MESSAGES, TIMES, VALUES

from .spans import provider

TRACE = "0af7651916cd43dd8448eb211c80319c"
INPUT = "gen_ai.input.messages"


def span(number: int = 1, **more: Any) -> StoredSpan:
    given = {"name": "chat", "start_ns": 1, "end_ns": 2, **more}
    return StoredSpan(TRACE, f"{number:016x}", None, **given)


def kept(path: Path, spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """What another connection reads of spans that were written."""
    writer = Writer(path)
    assert writer.write(spans) == len(spans)
    writer.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = [span for _, span in Reader(connection).after(0, len(spans) + 1)]
    connection.close()
    return found


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(
    "attribute", [INPUT, "gen_ai.output.messages", "gen_ai.system_instructions", "other"]
)
def test_a_text_comes_back_to_the_byte(tmp_path: Path, name: str, attribute: str) -> None:
    text = MESSAGES[name]
    sent = [
        span(1, attributes={attribute: text}),
        # Again, longer by one that is whole, shorter, and the first after these.
        span(2, attributes={attribute: text}),
        span(3, attributes={attribute: f"{text[:-1]},{MESSAGE}]"}),
        span(4, attributes={attribute: text[:-1]}),
        span(5, attributes={attribute: text}),
    ]
    assert kept(tmp_path / "s.db", sent) == sent


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    "attribute",
    ["x", "gen_ai.operation.name", "gen_ai.usage.cost", "otelier.tags", INPUT, "user.id"],
)
def test_a_value_comes_back(tmp_path: Path, name: str, attribute: str) -> None:
    sent = [span(attributes={attribute: VALUES[name], "y": 1})]
    found = kept(tmp_path / "s.db", sent)
    assert found == sent
    # True is 1 and 1.0 to Python, and -0.0 is 0.
    assert repr(found[0].attributes) == repr(sent[0].attributes)


def test_not_a_number_comes_back(tmp_path: Path) -> None:
    sent = span(attributes={"x": float("nan"), "many": [float("nan"), 1.0]})
    (found,) = kept(tmp_path / "s.db", [sent])
    assert repr(found) == repr(sent)


def test_half_of_a_surrogate_pair_is_made_readable_and_loses_nothing_else(tmp_path: Path) -> None:
    sent = span(
        name=LONE,
        status="ERROR",
        status_message=LONE,
        trace_state=f"a={LONE}",
        attributes={
            LONE: LONE,
            "list": [LONE],
            "map": {LONE: LONE},
            "user.id": LONE,
            INPUT: f'[{{"content":"{LONE}"}}]',
            "long": LONE * 100,
        },
        events=(StoredEvent(LONE, 1, {LONE: LONE}),),
        links=(StoredLink(TRACE, "1" * 16, {LONE: LONE}),),
        scope=StoredScope(LONE, LONE, {LONE: LONE}),
        resource=StoredResource({LONE: LONE}),
    )
    (found,) = kept(tmp_path / "s.db", [sent])
    readable = unicode.clean(LONE)
    assert found == eval(repr(sent).replace(repr(LONE)[1:-1], repr(readable)[1:-1]))


def test_half_of_a_surrogate_pair_in_the_name_of_a_batch(tmp_path: Path) -> None:
    told = {"gen_ai.operation.name": "batch_results", "otelier.batch.id": LONE}
    sent = [span(each, kind="CLIENT", attributes=told) for each in (1, 2)]
    names = [each.attributes["otelier.batch.id"] for each in kept(tmp_path / "s.db", sent)]
    assert names == [unicode.clean(LONE)] * 2


def test_ids_of_all_kinds_are_told_apart(tmp_path: Path) -> None:
    sent = [
        StoredSpan(trace, one, parent, "x")
        for trace in IDS
        for one in IDS
        for parent in (None, "0" * 16)
        if parent is None or one == trace
    ]
    wanted = list({(each.trace_id, each.span_id): each for each in reversed(sent)}.values())[::-1]
    writer = Writer(tmp_path / "s.db")
    assert writer.write(sent) == len(wanted)
    writer.close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        found = {(each.trace_id, each.span_id) for _, each in Reader(connection).after(0, 1000)}
    assert found == {(each.trace_id, each.span_id) for each in wanted}


@pytest.mark.parametrize("start, end", TIMES)
def test_clocks_that_jump(tmp_path: Path, start: int, end: int) -> None:
    sent = [span(1, start_ns=10**18), span(2, start_ns=start, end_ns=end), span(3)]
    assert kept(tmp_path / "s.db", sent) == sent


def test_attributes_of_a_thousand_names(tmp_path: Path) -> None:
    sent = [
        span(1, attributes={f"name {number} {INJECTION}": number for number in range(1000)}),
        *(span(number, attributes={f"only.{number}": True}) for number in range(2, 5002)),
    ]
    assert kept(tmp_path / "s.db", sent) == sent


def test_everything_that_otlp_has_is_huge(tmp_path: Path) -> None:
    many = {f"a{number}": INJECTION for number in range(500)}
    sent = span(
        name="n" * 1_000_000,
        status="ERROR",
        status_message=INJECTION * 1000,
        trace_state="a=b," * 1000,
        attributes=many,
        events=tuple(StoredEvent(INJECTION, number, many) for number in range(200)),
        links=tuple(StoredLink(TRACE, f"{number:016x}", many, "a=b") for number in range(200)),
        flags=2**32 - 1,
        dropped_attributes=2**32 - 1,
        dropped_events=1,
        dropped_links=2,
    )
    assert kept(tmp_path / "s.db", [sent]) == [sent]


def test_what_comes_twice_is_there_once(tmp_path: Path) -> None:
    first = span(1, attributes={INPUT: f"[{MESSAGE.replace('Where?', 'Where? ' * 50)}]"})
    writer = Writer(tmp_path / "s.db")
    assert writer.write([first, first, span(2)]) == 2
    assert writer.write([first, span(3), span(3)]) == 1
    # By another process, say. With another kind it is another span: the other end of a call.
    other = Writer(tmp_path / "s.db")
    assert other.write([first, replace(first, kind="SERVER"), span(4)]) == 2
    assert writer.write([span(4), replace(first, kind="SERVER")]) == 0
    writer.close()
    other.close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("SELECT count(*) FROM span").fetchall() == [(5,)]
        assert connection.execute("SELECT count(*) FROM text").fetchall() == [(1,)]


class Odd:
    """What a program gives where a text should be."""

    def __str__(self) -> str:
        raise RuntimeError("nobody asks it")


@pytest.mark.parametrize("name", [None, 5, Odd(), ["a"], b"x"], ids=lambda one: type(one).__name__)
def test_a_span_whose_name_is_no_text(tmp_path: Path, name: Any) -> None:
    found = exported(tmp_path / "s.db", lambda tracer: tracer.start_span(name).end())
    assert [each.name for each in found] == [
        "before", "" if name is None else f"<{type(name).__name__}>", "after"
    ]  # fmt: skip


def test_a_kind_that_is_none(tmp_path: Path) -> None:
    found = exported(
        tmp_path / "s.db",
        lambda tracer: tracer.start_span("x", kind="client").end(),  # type: ignore[arg-type]
    )
    assert [each.kind for each in found] == ["INTERNAL"] * 3


@pytest.mark.parametrize(
    "start, end, kept",
    [
        # Seconds since 1970 times a thousand million, say.
        (1.5e18, 1.5e18 + 1024, (1_500_000_000_000_000_000, 1_500_000_000_000_001_024)),
        (float("nan"), float("inf"), (0, 0)),
        ("now", "then", (0, 0)),
        (-(2**80), 2**80, (-(2**80), 2**80)),
    ],
    ids=["floats", "no numbers", "texts", "beyond 64 bits"],
)
def test_times_that_are_no_nanoseconds(
    tmp_path: Path, start: Any, end: Any, kept: tuple[int, int]
) -> None:
    def run(tracer: Tracer) -> None:
        span = tracer.start_span("x", start_time=start)
        span.add_event("happened", timestamp=start)
        span.end(end_time=end)

    found = exported(tmp_path / "s.db", run)
    assert [each.name for each in found] == ["before", "x", "after"]
    assert (found[1].start_ns, found[1].end_ns) == kept
    assert found[1].events[0].time_ns == kept[0]


def exported(path: Path, run: Callable[[Tracer], None]) -> list[StoredSpan]:
    """What is read of a batch with a span of the SDK's, and one before and one after it."""
    memory = InMemorySpanExporter()
    tracer = provider(memory).get_tracer("hostile")
    tracer.start_span("before").end()
    run(tracer)
    tracer.start_span("after").end()
    exporter = StoreSpanExporter(path)
    assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    exporter.shutdown()
    with closing(sqlite3.connect(path)) as connection:
        return [span for _, span in Reader(connection).after(0, 10)]


@pytest.mark.parametrize("number", [1, 2, 3, 17])
def test_a_span_that_is_none_takes_no_other_with_it(tmp_path: Path, number: int) -> None:
    good = [span(each) for each in range(1, 18)]
    broken: Any = [*good]
    broken[number - 1] = replace(good[number - 1], name=Odd())
    store = sharing.of(tmp_path / "s.db")
    assert store.write(broken)
    assert store.write([span(20)])
    store.close()
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        found = [each.span_id for _, each in Reader(connection).after(0, 100)]
    assert found == [each.span_id for each in [*good, span(20)] if each != good[number - 1]]
