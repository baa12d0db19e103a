"""Function calls per operation: exact numbers, the same on every machine.

The limits are what was counted when they were last set, and about a tenth more. A change that goes
over one makes every user's call slower: take the work out, or raise the limit knowingly.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import counting
from benchmarks.scenarios import SMALL, TOOLS, UNSAMPLED, Scenario

# Calls of otelier's functions, and of C functions by them.
SMALL_CALLS = {"chat": 500, "responses": 532, "messages": 488}
# Calls that one chunk of text adds to the bare SDK's, content on and off.
CHUNK_CALLS = {"chat": (4.4, 2.2), "responses": (4.4, 2.2), "messages": (4.4, 2.2)}
TOOL_CHUNK_CALLS = 6.6


@pytest.mark.parametrize("scenario", SMALL, ids=lambda one: one.name)
def test_small_call(scenario: Scenario) -> None:
    ours = counting.operation(scenario, "otelier")
    assert ours.of("otelier") <= SMALL_CALLS[scenario.api]


@pytest.mark.parametrize("scenario", SMALL, ids=lambda one: one.name)
def test_opentelemetry_is_called_as_little_as_by_hand(scenario: Scenario) -> None:
    """One span, one start, one set of attributes at the end, one record for each metric."""
    hand = counting.operation(scenario, "floor+cost").of("opentelemetry")
    ours = counting.operation(scenario, "otelier").of("opentelemetry")
    # Ours: one entry in the context more, and one question for the current span.
    assert ours <= hand * 1.05 + 20


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("content", [True, False], ids=["content", "no_content"])
@pytest.mark.parametrize("api", CHUNK_CALLS)
def test_chunk(api: str, content: bool, asynchronous: bool) -> None:
    scenario = Scenario(api, chunks=100, content=content, asynchronous=asynchronous, lite=True)
    added = _chunk(scenario)
    assert added <= CHUNK_CALLS[api][0 if content else 1]


def test_tool_call_chunk() -> None:
    assert _chunk(replace(TOOLS, chunks=100)) <= TOOL_CHUNK_CALLS


def _chunk(scenario: Scenario) -> float:
    return counting.per_chunk(scenario, "otelier")[1] - counting.per_chunk(scenario, "bare")[1]


@pytest.mark.parametrize("scenario", UNSAMPLED, ids=lambda one: one.name)
def test_unsampled_call(scenario: Scenario) -> None:
    """Small or large: the same few calls."""
    ours = counting.operation(scenario, "otelier")
    assert ours.of("otelier") <= 91
    assert ours.of("opentelemetry") <= 55
