"""Answers that fit, whatever they are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otelier.web.fitting import MOST, fitted


def test_what_is_not_there_is_left_out() -> None:
    row = {"a": "x", "none": None, "text": "", "list": [], "zero": 0, "no": False, "free": 0.0}
    assert json.loads(fitted([row])) == {"rows": [{"a": "x", "zero": 0, "no": False, "free": 0.0}]}
    assert json.loads(fitted([])) == {"rows": []}


LONG = "é" * 100_000


@pytest.mark.parametrize(
    ("rows", "kept", "said"),
    [
        ([{"text": "x" * 3000}] * 5, 5, None),
        ([{"text": "x" * 5000}] * 3, 3, "4000 characters"),
        ([{"text": LONG}] * 20, 20, "characters"),
        ([{"number": number} for number in range(10_000)], None, "of 10000 rows"),
        ([{"list": ["y" * 1000] * 300, "text": LONG}] * 3, 3, "their last"),
        ([{"map": {str(number): "x" for number in range(10_000)}}], 1, "cut"),
        ([{"map": {LONG: {LONG: [LONG]}}}], 1, "cut"),
        ([{f"column {number}": LONG for number in range(30)}] * 1000, None, "of 1000 rows"),
    ],
    ids=range(8),
)
def test_it_fits_and_says_what_is_missing(
    rows: list[dict[str, Any]], kept: int | None, said: str | None
) -> None:
    body = fitted(rows)
    assert len(body) <= MOST
    found = json.loads(body)
    assert len(found["rows"]) == kept if kept is not None else found["rows"]
    assert said in found["note"] if said else "note" not in found


def test_of_a_conversation_the_last_messages_stay() -> None:
    messages = [{"role": "user", "content": f"{number} " + "x" * 500} for number in range(200)]
    (row,) = json.loads(fitted([{"name": "chat", "input": messages}]))["rows"]
    assert row["name"] == "chat"
    assert row["input"][0] == "(180 before)"
    assert row["input"][-1]["content"].startswith("199 ")
