"""Runs of tools, as a page shows them."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.web.shown import running
from otelier.web.shown.values import Bounds
from tests.web.test_failing import row


def test_arguments_and_results_are_trees_or_texts() -> None:
    (run,) = running.runs([row("runs", arguments={"a": [1]}, result="plain")])
    assert run.given is not None and run.given.data is not None
    assert run.given.data.members[0].key == "a"
    assert run.gave is not None and (run.gave.text, run.gave.data) == ("plain", None)


def test_what_was_not_recorded_is_nothing() -> None:
    (run,) = running.runs([row("runs")])
    assert (run.given, run.gave) == (None, None)


@pytest.mark.parametrize("told", [0, False, "", [], {}, "\udc00", [[[[]]]], 1e400, "null"])
def test_any_value_is_shown(told: Any) -> None:
    (run,) = running.runs([row("runs", arguments=told, result=told)])
    assert run.given is not None and run.gave == run.given


def test_a_long_result_says_how_much_of_it_is_not_shown() -> None:
    most = Bounds().text
    (run,) = running.runs([row("runs", result="x" * (most + 7))])
    assert run.gave is not None and (len(run.gave.text), run.gave.cut) == (most, 7)


def test_who_asked_is_counted() -> None:
    rows = [row("runs", model=model) for model in ("b", "a", "", "c", "c", None)]
    assert running.callers(rows) == [("c", 2), ("a", 1), ("b", 1)]
    assert running.callers([]) == []
