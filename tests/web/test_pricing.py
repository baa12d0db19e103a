"""Lines for the price file: with numbers in them they give such calls a cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otelier import questions
from otelier.cost import Prices
from otelier.identity import Identity
from otelier.protocols import Reply
from otelier.usage import Usage
from otelier.web.shown import pricing


def row(**more: Any) -> questions.Unpriced:
    """A row of ``unpriced``."""
    given = {
        "provider": "acme",
        "model": "house",
        "response_model": "",
        "calls": 3,
        "input_tokens": 1000,
        "output_tokens": 100,
        "last": datetime(2026, 11, 28, tzinfo=UTC),
    }
    return questions.Unpriced(**{**given, **more})


ROWS = {
    "asked": row(),
    "answered": row(response_model="house-2026-11"),
    "nothing written": row(output_tokens=None),
    "hostile": row(model='"}, "\u202e</pre>\0\\', provider="é/日本"),
    "an ARN": row(
        provider="aws.bedrock",
        model="arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc",
    ),
    "no provider": row(provider=""),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_line_with_its_numbers_filled_in_prices_such_a_call(name: str, tmp_path: Path) -> None:
    each = ROWS[name]
    told = pricing.file(pricing.lines([each]))
    assert told.isascii()
    path = tmp_path / "prices.json"
    path.write_text(told.replace(pricing.INPUT, "2.5").replace(pricing.OUTPUT, "10"))
    who, wrote = Identity(each.provider, None, None, ""), each.output_tokens or 0
    reply = Reply(usage=Usage(input=1000, output=wrote))
    found = Prices(str(path)).price(who, each.response_model or None, each.model, reply)
    assert found is not None
    assert found.source == "user"
    assert found.total == pytest.approx((1000 * 2.5 + wrote * 10) / 1e6)


def test_a_line_as_it_is_shown() -> None:
    assert pricing.line(row()) == '"acme/house": {"input": INPUT, "output": OUTPUT}'
    assert pricing.line(row(output_tokens=0)) == '"acme/house": {"input": INPUT}'


def test_until_numbers_are_filled_in_the_file_is_no_json() -> None:
    """Nothing is priced by half a file."""
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(pricing.file(pricing.lines([row()])))


def test_a_file_has_each_line_once_and_none_of_models_that_nobody_named() -> None:
    rows = [row(), row(calls=9), row(model=""), row(model="b")]
    assert pricing.file(pricing.lines(rows)).splitlines() == [
        "{",
        '  "acme/house": {"input": INPUT, "output": OUTPUT},',
        '  "acme/b": {"input": INPUT, "output": OUTPUT}',
        "}",
    ]
