"""Calls that only others see, at the same time: each counts once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

import otelier
from otelier import guard
from tests.telemetry import Telemetry

TOLD: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 3,
}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry()
    running.start()
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def test_of_one_library(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("theirs")
    with otelier.agent("parallel"):
        begun = [tracer.start_span(f"chat {each}", attributes=TOLD) for each in range(3)]
        for each in (begun[1], begun[0], begun[2]):
            each.end()
    found = telemetry.span("invoke_agent parallel").attributes
    assert found["gen_ai.usage.input_tokens"] == 30
    assert found["gen_ai.usage.output_tokens"] == 9


def test_nested_ones_of_one_library_are_one(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("theirs")
    with otelier.agent("nested"):
        outer = tracer.start_span("outer", attributes=TOLD)
        inner = tracer.start_span("inner", trace.set_span_in_context(outer), attributes=TOLD)
        inner.end()
        outer.end()
    found = telemetry.span("invoke_agent nested").attributes
    assert found["gen_ai.usage.input_tokens"] == 10


def test_side_by_side_of_two_libraries_are_one(telemetry: Telemetry) -> None:
    one, two = (telemetry.tracer_provider.get_tracer(each) for each in ("one", "two"))
    with otelier.agent("two"):
        outer = one.start_span("callback", attributes=TOLD)
        two.start_span("client", attributes=TOLD).end()
        outer.end()
    found = telemetry.span("invoke_agent two").attributes
    assert found["gen_ai.usage.input_tokens"] == 10


def test_a_generation_of_langfuse_is_a_call(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("langfuse-sdk")
    with otelier.agent("langfuse"):
        tracer.start_span("answer", attributes={"langfuse.observation.type": "generation"}).end()
    found = telemetry.span("invoke_agent langfuse").attributes
    assert found["otelier.usage.uncounted_calls"] == 1
