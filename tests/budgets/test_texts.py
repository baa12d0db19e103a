"""What texts cost: each is looked at once, where it is, and never again. Counted in calls."""

from __future__ import annotations

from typing import Final

import pytest

from benchmarks import counting, payloads
from benchmarks.counting import Calls
from benchmarks.scenarios import FRESH, GROWING, LARGE, SMALL, Scenario

# A pass of the scanner over a text, in whichever function of ours.
_PASS: Final = "> isinstance_python"
# What reads or copies a text as a whole when it is searched.
_SEARCHES: Final = ("encode", "find", "lower", "rfind", "translate")
# Calls of otelier's functions, and of C functions by them: a few more than were counted. About 13
# a message of the request, 20 a tool; 4 more a text that is new.
KNOWN_CALLS: Final = {"chat": 1900, "responses": 2000, "messages": 2150}
NEW_CALLS: Final = {"chat": 2350, "responses": 2450, "messages": 2600}
GROWN_CALLS: Final = {"chat": 2000, "responses": 2100, "messages": 2300}


def ids(scenario: Scenario) -> str:
    return scenario.name


def passes(calls: Calls) -> int:
    return sum(number for name, number in calls.ours_c.items() if name.endswith(_PASS))


def searches(calls: Calls) -> int:
    return sum(
        number
        for name, number in calls.ours_c.items()
        if name.startswith("otelier.redaction") and name.rpartition("> ")[2] in _SEARCHES
    )


@pytest.mark.parametrize("scenario", FRESH, ids=ids)
def test_a_new_text_is_looked_at_once(scenario: Scenario) -> None:
    """100 new texts: a pass each, and none by plain searches; the answer and tools are few more."""
    calls = counting.operation(scenario, "otelier")
    assert payloads.MESSAGES <= passes(calls) <= payloads.MESSAGES + 4
    assert searches(calls) == 0


@pytest.mark.parametrize("scenario", [*LARGE, *SMALL], ids=ids)
def test_a_known_text_is_not_looked_at(scenario: Scenario) -> None:
    calls = counting.operation(scenario, "otelier")
    assert passes(calls) <= 3
    assert searches(calls) == 0


@pytest.mark.parametrize("scenario", GROWING, ids=ids)
def test_of_a_conversation_that_goes_on_what_is_new_is_looked_at(scenario: Scenario) -> None:
    """Of 100 and more texts two are new, and two come for the second time."""
    calls = counting.operation(scenario, "otelier")
    assert passes(calls) <= 4 + 3
    assert searches(calls) == 0


@pytest.mark.parametrize("scenario", [*LARGE, *FRESH, *GROWING], ids=ids)
def test_calls_of_a_large_request(scenario: Scenario) -> None:
    limits = NEW_CALLS if scenario.fresh else GROWN_CALLS if scenario.growing else KNOWN_CALLS
    assert counting.operation(scenario, "otelier").of("otelier") <= limits[scenario.api]


def test_without_content_no_text_is_looked_at() -> None:
    for large in (False, True):
        calls = counting.operation(Scenario("chat", large=large, content=False), "otelier")
        assert passes(calls) == searches(calls) == 0
