"""What is kept: little while a stream is open, nothing after a call."""

from __future__ import annotations

import pytest

from benchmarks import counting, payloads
from benchmarks.scenarios import Bench, Scenario

APIS = list(payloads.REQUESTS)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("api", APIS)
def test_first_chunk_reads_one_event(api: str, asynchronous: bool) -> None:
    """As many events are asked of the provider as without otelier."""
    given = {}
    for variant in ("bare", "otelier"):
        with Bench(Scenario(api, chunks=20, asynchronous=asynchronous), variant) as bench:
            bench.first_chunk()
            assert bench.body is not None
            given[variant] = bench.body.given
    assert given == {"bare": 1, "otelier": 1}


@pytest.mark.parametrize("content", [True, False], ids=["content", "no_content"])
@pytest.mark.parametrize("api", APIS)
def test_open_stream_holds_little(api: str, content: bool) -> None:
    """10,000 chunks, 60 KB of text: no chunk objects but the one that was given last."""
    held = counting.held_by_stream(10_000, content, api)
    assert held.bytes <= (100_000 if content else 10_000)
    assert held.chunks <= 2


@pytest.mark.parametrize(
    "scenario",
    [
        *(Scenario(api) for api in APIS),
        *(Scenario(api, chunks=3, lite=True) for api in APIS),
        Scenario("chat", asynchronous=True),
        Scenario("chat", chunks=3, lite=True, asynchronous=True),
    ],
    ids=lambda one: one.name,
)
def test_calls_leave_nothing(scenario: Scenario) -> None:
    number = 2000 if scenario == Scenario("chat") else 250
    with Bench(scenario, "otelier") as bench:
        assert not counting.left_after(bench, number)


def test_streams_left_early_leave_nothing() -> None:
    with Bench(Scenario("chat", chunks=20), "otelier") as bench:
        before = counting.otelier_objects()
        for number in range(200):
            stream = bench.start()
            next(iter(stream))
            if number % 2:
                stream.close()
            del stream
        after = counting.otelier_objects()
        after.subtract(before)
        assert not +after
