"""Of which stretch of time a page is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from otelier.web.shown.period import ALL, CHOICES, period

NOW = datetime(2026, 11, 28, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_who_says_nothing_means_the_last_day() -> None:
    found = period({}, NOW)
    assert (found.told, found.asked) == ("24h", {"since": NOW - 24 * HOUR, "until": None})
    assert (found.url["since"], found.words) == ("24h", "in the last 24h")
    assert found.choices == CHOICES
    assert found == period({"since": "24h", "until": ""}, NOW)


def test_all_is_without_a_beginning() -> None:
    found = period({"since": ALL}, NOW)
    assert (found.told, found.asked) == (ALL, {"since": None, "until": None})
    assert (found.url["since"], found.words) == (ALL, "")


def test_who_says_only_until_means_all_before() -> None:
    found = period({"until": "2026-11-28"}, NOW)
    assert found.asked == {"since": None, "until": datetime(2026, 11, 28, tzinfo=UTC)}
    assert (found.told, found.words) == (ALL, "before 2026-11-28")


def test_any_stretch_can_be_told() -> None:
    found = period({"since": "2026-11-27", "until": "2026-11-28T12:00"}, NOW)
    assert found.asked == {
        "since": datetime(2026, 11, 27, tzinfo=UTC),
        "until": datetime(2026, 11, 28, 12, tzinfo=UTC),
    }
    assert found.words == "since 2026-11-27 before 2026-11-28T12:00"
    assert period(found.url, NOW) == found


@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_time_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="'yesterday' is no time"):
        period({name: "yesterday"}, NOW)


@pytest.mark.parametrize(
    ("given", "within"),
    [
        ({"since": "24h"}, True),
        ({"since": "2d"}, True),
        ({"since": "7d"}, False),
        ({"since": "30d", "until": "29d"}, True),
        ({"since": ALL}, False),
        ({"until": "29d"}, False),
    ],
)
def test_it_says_whether_it_is_longer_than_a_time(given: dict[str, str], within: bool) -> None:
    assert period(given, NOW).within(48 * HOUR, NOW) is within
