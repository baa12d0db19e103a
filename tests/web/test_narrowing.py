"""Where a row of sums leads to."""

from __future__ import annotations

import pytest

from otelier.web.shown import narrowing
from tests.web.test_spending import row

HOUR = {"since": "2026-11-28T21:00", "until": "2026-11-28T22:00"}
TOLD = {"by": "x", "since": "7d", "user": "ada"}


@pytest.mark.parametrize(
    ("by", "key", "costs", "traces"),
    [
        (
            "model",
            "gpt-4o",
            {"model": "gpt-4o", "by": "user", "since": "7d", "user": "ada"},
            {"model": "gpt-4o", "since": "7d", "user": "ada"},
        ),
        (
            "tag",
            "beta",
            {"tag": "beta", "by": "model", "since": "7d", "user": "ada"},
            {"tag": "beta", "since": "7d", "user": "ada"},
        ),
        (
            "hour",
            "2026-11-28 21:00",
            {**HOUR, "by": "model", "user": "ada"},
            {**HOUR, "user": "ada"},
        ),
        # Costs have no condition on these.
        ("agent", "writer", {}, {"agent": "writer", "since": "7d", "user": "ada"}),
        ("step", "draft", {}, {}),
        # Nobody can ask for what is not told.
        ("model", "", {}, {}),
        # No server takes a URL of any length.
        ("model", "a" * 100_000, {}, {}),
    ],
)
def test_a_row_leads_to_its_own_sums_and_to_its_traces(
    by: str, key: str, costs: dict[str, str], traces: dict[str, str]
) -> None:
    assert narrowing.costs_of(by, key, TOLD) == costs
    assert narrowing.traces_of(by, key, TOLD) == traces


def test_of_all_times_the_list_of_traces_is_not_told() -> None:
    assert narrowing.traces_of("model", "a", {"since": "all"}) == {"model": "a"}


def test_sessions_have_pages_of_their_own() -> None:
    (one, none) = narrowing.rows([row("s-1"), row("")], "session", TOLD, 1.0)
    assert (one.page, none.page) == ("sessions", "")
    assert narrowing.rows([row("a")], "model", TOLD, 1.0)[0].page == ""


@pytest.mark.parametrize(
    ("cost", "whole", "share"),
    [(0.5, 2.0, 0.25), (0.0, 2.0, 0.0), (None, 2.0, None), (0.5, None, None), (0.5, 0.0, None),
     (-1.0, 2.0, None), (2.0, -1.0, None), (float("inf"), float("inf"), None)],
)  # fmt: skip
def test_a_share_is_of_what_is_known(
    cost: float | None, whole: float | None, share: float | None
) -> None:
    assert narrowing.rows([row("a", cost=cost)], "model", TOLD, whole)[0].share == share
