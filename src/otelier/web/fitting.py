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
# Texts have at most so many characters, lists so many members (the last ones: what came last). The
# first of these with which all rows fit is taken, else the first with which enough rows do.
_STEPS: Final = ((4000, 1000), (1000, 100), (300, 20), (100, 5), (30, 2))
_ENOUGH: Final = 10


def fitted(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as JSON of at most MOST bytes: ``rows``, and ``note`` where something was left out.

    Of a row what is not there (empty texts and lists, unknown numbers) is left out.
    """
    tried = [(step, _as_many(rows, *step)) for step in _STEPS]
    for enough in (len(rows), min(_ENOUGH, len(rows)), 1, 0):
        for (length, members), kept in tried:
            if len(kept) >= enough:
                cut = f"texts are cut to {length} characters, lists to their last {members}"
                less = f"the first {len(kept)} of {len(rows)} rows; ask for less at once"
                whole = all(_filled(row) == fit for row, fit in zip(rows, kept, strict=False))
                notes = [cut] * (not whole) + [less] * (len(kept) < len(rows))
                note = {"note": "; ".join(notes)} if notes else {}
                return wire.encoded({"rows": kept, **note})
    raise AssertionError("no rows are enough at last")


def _as_many(rows: Sequence[Mapping[str, Any]], length: int, members: int) -> list[Any]:
    """The first rows, shortened, as many as fit beside a note."""
    left = MOST - _NOTE
    kept: list[Any] = []
    for row in rows:
        fit = {name: _shortened(each, length, members) for name, each in _filled(row).items()}
        left -= len(wire.encoded(fit)) + 1
        if left < 0:
            break
        kept.append(fit)
    return kept


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
