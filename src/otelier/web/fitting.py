"""Answers that a model can read: short texts, few rows, and a word on what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from otelier import wire
from otelier.viewer.text import shorten

# Bytes of one answer: about 8,000 tokens.
MOST: Final = 30_000
_NOTE: Final = 300
# Of a row.
_LEAST: Final = 10
# Texts have at most so many characters, lists so many members (the last ones: what came last). The
# first of these with which all rows fit is taken, else the first with which enough rows do.
_STEPS: Final = ((4000, 1000), (1000, 100), (300, 20), (100, 5), (30, 2))
_ENOUGH: Final = 10


def fitted(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as JSON of at most MOST bytes: ``rows``, and ``note`` where something was left out.

    Of a row what is not there (empty texts and lists, unknown numbers) is left out.
    """
    # More have no room, however short they are.
    filled = [_filled(row) for row in rows[: MOST // _LEAST]]
    for enough in (len(filled), min(_ENOUGH, len(filled)), 1, 0):
        for length, members in _STEPS:
            found = [
                {name: _shortened(value, length, members) for name, value in row.items()}
                for row in filled
            ]
            kept = _as_many(found)
            if len(kept) >= enough:
                cut = f"texts are cut to {length} characters, lists to their last {members}"
                less = f"the first {len(kept)} of {len(rows)} rows; ask for less at once"
                notes = [cut] * (found != filled) + [less] * (len(kept) < len(rows))
                body = {"rows": kept, "note": "; ".join(notes)}
                return wire.encoded(body if notes else {"rows": kept})
    raise AssertionError("no rows are enough at last")


def _as_many(rows: Sequence[Any]) -> Sequence[Any]:
    """The first rows, as many as fit beside a note."""
    left = MOST - _NOTE
    for at, row in enumerate(rows):
        left -= len(wire.encoded(row)) + 1
        if left < 0:
            return rows[:at]
    return rows


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in row.items()
        if value is not None and value not in ("", [], {})
    }


def _shortened(value: Any, length: int, members: int) -> Any:
    if isinstance(value, str):
        return shorten(value, length)
    if isinstance(value, Mapping):
        some = {
            shorten(str(name), length): _shortened(each, length, members)
            for name, each in islice(value.items(), members)
        }
        left_out = len(value) - len(some)
        return {**some, "…": f"({left_out:,} more)"} if left_out else some
    if isinstance(value, list):
        last = [_shortened(each, length, members) for each in value[-members:]]
        left_out = len(value) - len(last)
        return [f"({left_out:,} before)", *last] if left_out else last
    return value
