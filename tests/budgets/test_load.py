"""Under load a call is what it is alone: its own span, the same work, and nothing left."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from benchmarks import counting
from benchmarks.load import at_once, threads
from benchmarks.load.at_once import Together
from benchmarks.load.counted import providers
from benchmarks.scenarios import Bench
from otelier import guard
from tests.telemetry import Telemetry

AT_ONCE = 500
# Bytes that otelier and OpenTelemetry hold for a call that waits for its answer, over the bare SDK.
OPEN_CALL = 6500
THREADS, CALLS = 64, 2


def test_calls_at_once_have_spans_of_their_own() -> None:
    telemetry = Telemetry()
    given = {
        "tracer_provider": telemetry.tracer_provider,
        "meter_provider": telemetry.meter_provider,
    }
    answered: dict[int, str] = {}
    ended: list[int] = []
    with Together(at_once.CALL, "otelier", **given) as bench:
        telemetry.clear()

        async def ask(number: int) -> None:
            with telemetry.tracer.start_as_current_span(f"caller {number}"):
                answered[number] = (await bench.astart()).id

        def look() -> None:
            ended.append(len(telemetry.exporter.get_finished_spans()))

        bench.together(AT_ONCE, look, ask)
        spans = telemetry.exporter.get_finished_spans()
    assert ended == [0]
    callers = {span.context.span_id: span for span in spans if span.name.startswith("caller")}
    calls = [span for span in spans if not span.name.startswith("caller")]
    assert len(callers) == len(calls) == AT_ONCE
    # Each below its own caller, in its trace, with the answer that this caller got.
    for call in calls:
        caller = callers.pop(call.parent.span_id)
        number = int(caller.name.removeprefix("caller "))
        assert call.context.trace_id == caller.context.trace_id
        assert call.attributes["gen_ai.response.id"] == answered[number]
        assert caller.start_time <= call.start_time <= call.end_time <= caller.end_time


def test_an_open_call_holds_little() -> None:
    bare, ours = (at_once.held(variant, 200) for variant in ("bare", "otelier"))
    assert 0 < ours - bare <= OPEN_CALL


def test_calls_at_once_leave_nothing() -> None:
    counted, given = providers()
    with Together(at_once.CALL, "otelier", **given) as bench:
        bench.together(10, int)
        counted.taken()
        before = counting.otelier_objects()
        bench.together(AT_ONCE, int)
        after = counting.otelier_objects()
        assert counted.taken() == AT_ONCE
    after.subtract(before)
    assert not +after


class Entered:
    """Counts entries of otelier's functions, in all threads that begin after it."""

    def __init__(self) -> None:
        self._next = itertools.count()
        threading.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and str(frame.f_globals.get("__name__")).startswith("otelier"):
            next(self._next)

    def taken(self) -> int:
        """How many since it was last asked."""
        number = next(self._next)
        self._next = itertools.count()
        return number


@pytest.fixture
def entered() -> Iterator[Entered]:
    yield Entered()
    threading.setprofile(None)


def test_many_threads_do_no_more_for_a_call_than_one(entered: Entered) -> None:
    counted, given = providers()
    found = []
    with Bench(threads.CALL, "otelier", **given) as bench:
        threads.together(bench, 2, 2)
        for number in (1, THREADS):
            entered.taken()
            counted.taken()
            threads.together(bench, number, THREADS * CALLS // number)
            found.append(entered.taken())
            assert counted.taken() == THREADS * CALLS
        assert not guard.failures()
    alone, beside = found
    assert 0 < beside <= alone * 1.01
