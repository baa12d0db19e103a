"""Sums over time as charts: nothing that is not known is drawn as nothing that was spent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from otelier import questions
from otelier.questions.about.course import Stretch
from otelier.web.shown import spending
from otelier.web.shown.spending import MOST, Axis

NINE, TEN, ELEVEN = (f"2026-11-28 {hour:02}:00" for hour in (9, 10, 11))
AT = Axis("hour", (NINE, TEN, ELEVEN), 0)


def row(key: str = "", **more: Any) -> questions.Cost:
    """A row of ``costs``."""
    given = {
        "key": key,
        "cost": 0.5,
        "unpriced": 0,
        "uncounted": 0,
        "calls": 1,
        "errors": 0,
        "input_tokens": 100,
        "output_tokens": 10,
        "cache_read_tokens": None,
        "cache_write_tokens": None,
        "mean_seconds": 1.0,
    }
    return questions.Cost(**{**given, **more})


def by_moment(*rows: questions.Cost) -> dict[str, questions.Cost]:
    return {each.key: each for each in rows}


def told(moment: str, key: str, cost: float | None, other: bool = False, **more: Any) -> Stretch:
    """What ``course`` says of an hour."""
    return Stretch(moment, other, row(key, cost=cost, **more))


# --- moments ----------------------------------------------------------------------------------


def test_a_chart_has_all_hours_of_its_time_used_or_not() -> None:
    since = datetime(2026, 11, 28, 8, 30, tzinfo=UTC)
    found = spending.axis([TEN], "hour", since, since.replace(hour=11, minute=0))
    assert (found.moments, found.before) == (["2026-11-28 08:00", NINE, TEN], 0)


def test_without_a_beginning_and_an_end_it_goes_from_the_first_to_the_last() -> None:
    found = spending.axis(["2026-11-28", "2026-12-02"], "day", None, None)
    days = ["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02"]
    assert (found.moments, found.before) == (days, 0)


def test_what_came_after_the_end_is_drawn_too() -> None:
    """A clock that is ahead."""
    now = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    assert spending.axis([NINE, ELEVEN], "hour", now, now).moments == [NINE, TEN, ELEVEN]


def test_of_too_many_moments_the_last_ones_are_drawn_and_it_says_so() -> None:
    found = spending.axis(["1970-01-01", "1970-01-02", "2026-11-28"], "day", None, None)
    assert (len(found.moments), found.moments[-1], found.before) == (MOST, "2026-11-28", 2)


def test_without_numbers_there_is_nothing_to_draw() -> None:
    assert spending.axis([], "hour", datetime.now(UTC), None) == Axis("hour", (), 0)


def test_a_moment_that_is_told_in_part_says_so() -> None:
    half = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    assert spending.begins(AT, half, {NINE, TEN}) == half
    assert spending.begins(AT, half, {TEN}) is None
    assert spending.begins(AT, half.replace(minute=0), {NINE}) is None
    assert spending.begins(AT, None, {NINE}) is None
    assert spending.begins(Axis("hour", (), 0), half, {NINE}) is None


def test_a_moment_is_a_stretch_of_a_url() -> None:
    assert spending.stretch("2026-11-28 23:00", "hour") == {
        "since": "2026-11-28T23:00",
        "until": "2026-11-29T00:00",
    }
    assert spending.stretch("2026-11-28", "day") == {
        "since": "2026-11-28T00:00",
        "until": "2026-11-29T00:00",
    }


# --- costs ------------------------------------------------------------------------------------


def test_costs_stand_on_each_other_and_what_is_not_known_is_a_gap() -> None:
    parts = spending.parts(
        [told(NINE, "a", 1.0), told(NINE, "b", 2.0), told(TEN, "a", None, unpriced=2),
         told(TEN, "b", 0.25, uncounted=1)],
        ["a", "b"],
    )  # fmt: skip
    rows = by_moment(row(NINE, cost=3.0), row(TEN, cost=0.25, unpriced=2, uncounted=1))
    chart = spending.costs(AT, rows, parts, stacked=True)
    assert [part.tops for part in chart.parts] == [[1.0, None, None], [3.0, 0.25, None]]
    assert [part.words for part in chart.parts] == [["$1.00", "–", ""], ["$2.00", "≥ $0.25", ""]]
    assert chart.total == ["$3.00", "≥ $0.25", ""]
    missing = "2 calls without a known price, 1 call without known tokens"
    assert chart.missing == ["", missing, ""]
    began = datetime(2026, 11, 28, 9, tzinfo=UTC).timestamp()
    assert (chart.starts, chart.step) == ([began, began + 3600, began + 7200], 3600)


def test_apart_from_each_other_what_was_not_used_cost_nothing() -> None:
    parts = spending.parts([told(NINE, "a", 1.0), told(TEN, "a", None, unpriced=2)], ["a"])
    rows = by_moment(row(NINE, cost=1.0), row(TEN, cost=None, unpriced=2))
    chart = spending.costs(AT, rows, parts, stacked=False)
    assert [part.tops for part in chart.parts] == [[1.0, None, 0.0]]


def test_others_are_together_and_keys_keep_their_order() -> None:
    rows = [told(NINE, "", 1.0, other=True), told(NINE, "b", 2.0), told(TEN, "", 3.0)]
    parts = spending.parts(rows, ["b", "", "a"])
    assert [(part.name, part.key) for part in parts] == [
        ("b", "b"),
        ("(none)", ""),
        ("a", "a"),
        ("others", None),
    ]
    assert [part.values for part in parts] == [{NINE: 2.0}, {TEN: 3.0}, {}, {NINE: 1.0}]
    looks = [part.look for part in spending.costs(AT, {}, parts, stacked=True).parts]
    assert looks == ["USD-0", "USD-1", "USD-2", "USD-others"]


def test_a_chart_is_json_whatever_the_keys_and_numbers_are() -> None:
    keys = ["</script>\u202e\0", "x" * 100]
    rows = [told(NINE, keys[0], float("inf")), told(NINE, keys[1], 1e308)]
    chart = spending.costs(AT, {}, spending.parts(rows, keys), stacked=True)
    again = json.loads(json.dumps(chart.data, allow_nan=False))
    assert [part["tops"][0] for part in again["parts"]] == [None, 1e308]
    names = [part["name"] for part in again["parts"]]
    assert names == ["</script>\\u202e␀", "x" * 60 + "… (40 more characters)"]


# --- tokens -----------------------------------------------------------------------------------


def test_output_stands_on_input_and_the_cached_is_a_part_of_it() -> None:
    rows = by_moment(
        row(NINE, cache_read_tokens=30),
        row(TEN, input_tokens=None, output_tokens=7),
        row(ELEVEN, input_tokens=None, output_tokens=None, uncounted=3),
    )
    chart = spending.tokens(AT, rows)
    assert [part.name for part in chart.parts] == ["input from the cache", "all input", "output"]
    assert [part.tops for part in chart.parts] == [
        [30, None, None],
        [100, None, None],
        [110, 7, None],
    ]
    assert chart.parts[2].words == ["10", "7", "–"]
    assert chart.missing == ["", "", "3 calls without known tokens"]


# --- sums -------------------------------------------------------------------------------------


def test_the_total_is_of_what_is_known() -> None:
    found = spending.total(
        [row(NINE, unpriced=2), row(TEN, cost=None, uncounted=1, errors=1), row(ELEVEN, cost=0.25)]
    )
    assert (found.cost, found.unpriced, found.uncounted, found.errors) == (0.75, 2, 1, 1)
    assert (found.calls, found.input_tokens, found.cache_read_tokens) == (3, 300, None)


def test_the_total_mean_is_of_all_calls() -> None:
    rows = [row(NINE, calls=3, mean_seconds=1.0), row(TEN, calls=1, mean_seconds=5.0)]
    assert spending.total(rows).mean_seconds == 2.0
    assert spending.total([row(NINE, calls=0, mean_seconds=None)] * 2).mean_seconds is None


def test_of_all_keys_over_time_the_rows_are_those_of_costs() -> None:
    found = [
        told(NINE, "cheap", 0.5),
        told(NINE, "dear", 2.0),
        told(TEN, "dear", 1.0, unpriced=1),
        told(TEN, "unknown", None, unpriced=2),
    ]
    rows = spending.by_key(found)
    assert [(each.key, each.cost, each.calls) for each in rows] == [
        ("dear", 3.0, 2),
        ("cheap", 0.5, 1),
        ("unknown", None, 1),
    ]
    parts = spending.parts(found, ["dear"])
    assert [(part.name, part.values, part.words) for part in parts] == [
        ("dear", {NINE: 2.0, TEN: 1.0}, {NINE: "$2.00", TEN: "≥ $1.00"}),
        ("others", {NINE: 0.5, TEN: None}, {NINE: "$0.50", TEN: "–"}),
    ]


def test_the_total_of_nothing_is_not_known() -> None:
    assert spending.total([]).cost is None
