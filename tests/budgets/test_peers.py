"""What did not record a call is not compared with what did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import payloads
from benchmarks.peers import others
from benchmarks.peers.recorded import recorded
from benchmarks.scenarios import Scenario


@pytest.mark.parametrize("chunks", [0, 5])
@pytest.mark.parametrize("api", payloads.REQUESTS)
def test_a_call_that_is_recorded_whole(api: str, chunks: int) -> None:
    scenario = Scenario(api, chunks=chunks)
    seen = recorded(scenario, "otelier")
    assert not seen.missing(content=True)
    assert seen.told == seen.sent > 0
    assert seen.metrics
    # With content where there should be none, it is no match.
    assert seen.missing(content=False)
    without = recorded(replace(scenario, content=False), "otelier")
    assert not without.missing(content=False)
    assert without.missing(content=True) == "no message on the span"


def test_a_call_that_is_not_recorded() -> None:
    assert recorded(Scenario("chat"), "bare").missing(content=True) == "no spans for a call"


def test_what_is_not_installed_says_so() -> None:
    with pytest.raises(RuntimeError, match="openinference is not installed"):
        others.switch_on("openinference", None, None, True)
