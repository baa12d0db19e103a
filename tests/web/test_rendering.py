"""Links, and what is printed into a page."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from otelier.web.pages.rendering import TOO_LONG, environment, moment, path, query
from tests.browser.stores.markup import PIECES


@pytest.mark.parametrize("text", ["a/b", "..", "a?b", "a#b", "%2e%2e", "ä ö", "a&b=c", "\0"])
def test_a_path_has_each_part_as_one(text: str) -> None:
    told = path("sessions", text)
    assert told.count("/") == 2 and "?" not in told and "#" not in told
    assert unquote(told) == f"/sessions/{text}"


def test_what_is_not_told_is_not_in_a_link() -> None:
    assert path("traces", user="", tag=None, plain=False) == "/traces"
    assert query(user="a b", page=0) == "?user=a+b&page=0"


def test_what_no_link_can_say_leads_to_a_page_that_says_so() -> None:
    assert path("sessions", "a" * 100_000) == f"/traces?{TOO_LONG}"
    assert path("traces", user="a" * 100_000) == f"/traces?{TOO_LONG}"
    assert query(user="a" * 100_000) == f"?{TOO_LONG}"


@pytest.mark.parametrize("text", PIECES.values(), ids=PIECES)
def test_what_is_printed_is_text(text: str) -> None:
    printed = environment().from_string('<p title="{{ text }}">{{ text }}</p>').render(text=text)
    assert printed.count("<") == 2 and printed.count('"') == 2
    # Nothing hides or turns around what stands beside it.
    assert not any(0x202A <= ord(each) <= 0x202E or ord(each) < 9 for each in printed)


def test_times_are_in_utc_and_unknown_ones_are_not_made_up() -> None:
    assert moment(datetime(2026, 11, 28, 21, 4, 5, tzinfo=UTC)) == "2026-11-28 21:04:05"
    assert moment(None) == "–"
