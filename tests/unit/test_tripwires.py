"""Recording runs nothing of the program's: objects that note each touch are passed everywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any

import pytest
from opentelemetry import trace

import otelier
from otelier import errors, values, wire
from otelier.documents import retrieved
from tests import tripwires
from tests.telemetry import Telemetry
from tests.tripwires import Tripwire, everything, touched

KINDS: dict[str, Callable[..., Any]] = {
    "workflow": otelier.workflow,
    "agent": otelier.agent,
    "tool": otelier.tool,
    "retrieval": otelier.retrieval,
    "step": otelier.step,
}
GIVEN = everything()


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    touched.clear()
    yield
    assert not touched


@pytest.mark.parametrize("name", GIVEN)
def test_plain(name: str) -> None:
    json.dumps(values.plain(GIVEN[name]))
    wire.fields(GIVEN[name])
    wire.items(GIVEN[name])
    wire.text(GIVEN[name])
    wire.number(GIVEN[name])
    wire.parsed(GIVEN[name])
    retrieved(GIVEN[name])
    retrieved([GIVEN[name], (GIVEN[name], 0.5), (GIVEN[name], GIVEN[name])])


def test_what_is_told_of_them() -> None:
    shown = values.plain(GIVEN)
    assert shown["tripwire"] == "<Tripwire>" and shown["mimic"] == "<Mimic>"
    assert shown["class"] == "tests.tripwires.Tripwire" or shown["class"] == "Tripwire"
    assert shown["dict"] == {"a": 1} and shown["list"] == [1, 2]
    assert shown["text"] == "said" and shown["number"] == 7 and shown["float"] == 0.5
    assert shown["error"] == "LoudError: what it says"
    assert shown["error of"] == "ValueError: <Tripwire>"
    assert shown["nested"] == {"in": ["<Tripwire>", ["<Tripwire>"], {"1": "<Tripwire>"}]}


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_and_results_of_functions(telemetry: Telemetry, kind: str) -> None:
    declare = KINDS[kind]

    @declare
    def run(given: Any, *more: Any, **named: Any) -> Any:
        return given

    @declare
    async def later(given: Any, **named: Any) -> Any:
        return given

    @declare
    def every(given: Any) -> Iterator[Any]:
        yield given

    @declare
    async def every_later(given: Any) -> AsyncIterator[Any]:
        yield given

    async def consume(given: Any) -> None:
        assert await later(given, named=given) is given
        async for _ in every_later(given):
            pass

    for given in GIVEN.values():
        assert run(given, given, named=given) is given
        assert next(iter(every(given))) is given
        asyncio.run(consume(given))
    assert len(telemetry.spans()) == 4 * len(GIVEN)


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_set_by_hand(telemetry: Telemetry, name: str) -> None:
    given = GIVEN[name]
    for declare in KINDS.values():
        with declare("name") as handle:
            handle.set_arguments(given)
            handle.set_result(given)
            handle.set_query(given)
            handle.set_documents([given, (given, 0.5)])
            handle.set_documents(given)
    with otelier.tool("name", arguments=given):
        pass
    with otelier.retrieval("name", query=given):
        pass


@pytest.mark.parametrize("name", GIVEN)
def test_sessions_and_evaluations(telemetry: Telemetry, name: str) -> None:
    given = GIVEN[name]
    with otelier.session(
        session_id=given, user_id=given, conversation_id=given, tags=[given], metadata={"k": given}
    ):
        with telemetry.tracer.start_as_current_span("s"):
            otelier.record_evaluation(
                given, score=given, label=given, explanation=given, response_id=given
            )
    with otelier.session(tags=given, metadata=given):
        pass


@pytest.mark.parametrize("error", [ValueError(Tripwire()), tripwires.LoudError("no row", 3)])
def test_exceptions_that_pass(telemetry: Telemetry, error: Exception) -> None:
    @otelier.tool
    def fails() -> None:
        raise error

    with pytest.raises(type(error)):
        fails()
    found: dict[str, Any] = {}
    errors.put(error, found)
    assert not found
    said = errors.message(error)
    assert said in ("<Tripwire>", "('no row', 3)")
    assert telemetry.span().status.description == said
    told = errors.trace(error, 30, 9_000)
    assert told.rstrip().endswith(f"{errors.kind(error)}: {said}")


def test_a_traceback_asks_no_object_for_its_names() -> None:
    """``traceback`` does, to suggest others, where an attribute is missing."""
    try:
        raise AttributeError("no name", name="nme", obj=GIVEN["tripwire"])
    except AttributeError as error:
        assert "no name" in errors.trace(error, 30, 9_000)


def test_a_trace_tells_what_led_to_it() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError as second:
        told = errors.trace(second, 30, 9_000)
        short = errors.trace(second, 30, 200)
    assert told.index("KeyError: 'first'") < told.index("direct cause")
    assert told.index("direct cause") < told.index("ValueError: second")
    assert told.count("Traceback (most recent call last):") == 2
    first, _, rest = short.partition("\n")
    assert told.endswith(rest) and len(rest) <= 200
    assert first == f"… [{len(told) - len(rest):,} more characters before]"


def test_an_exceptions_own_text_is_what_its_author_made() -> None:
    class RowError(Exception):
        def __str__(self) -> str:
            return f"no row {self.args[0]}"

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert errors.message(RowError(3)) == "no row 3"
    assert errors.message(BrokenError("a", 3)) == "a, 3"
    # Of a value that is passed on only the arguments are told.
    assert values.plain(RowError(3)) == "RowError: 3"


def test_fields_are_read_and_no_properties() -> None:
    @dataclass
    class Row:
        key: str
        default: int = 3

        @property
        def total(self) -> int:
            raise AssertionError("read")

        def __getattribute__(self, name: str) -> Any:
            touched.append(name)
            return object.__getattribute__(self, name)

    class Colour(Enum):
        RED = "red"

        @property
        def value(self) -> str:  # type: ignore[override]
            raise AssertionError("read")

    row = Row("a")
    touched.clear()
    assert values.plain([row, Colour.RED]) == [{"key": "a", "default": 3}, "red"]
    assert wire.fields(row) == {"key": "a", "default": 3}


def test_a_zone_of_the_programs_is_not_asked() -> None:
    class Zone(tzinfo):
        def utcoffset(self, when: Any) -> Any:
            raise AssertionError("asked")

    when = datetime(2026, 1, 2, 3, tzinfo=Zone())
    assert values.plain(when) == "2026-01-02T03:00:00 <Zone>"
    assert json.loads(wire.dumps({"when": when})) == {"when": "2026-01-02T03:00:00 <Zone>"}
    assert values.plain(when.replace(tzinfo=UTC)) == "2026-01-02T03:00:00+00:00"


def test_a_foreign_span_is_unharmed(telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("own"):
        with otelier.tool("t") as handle:
            handle.set_arguments({"x": GIVEN["tripwire"]})
        assert trace.get_current_span().is_recording()
    assert telemetry.span("execute_tool").attributes["gen_ai.tool.call.arguments"] == (
        '{"x":"<Tripwire>"}'
    )
