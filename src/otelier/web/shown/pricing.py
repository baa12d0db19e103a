"""Lines for the price file of models whose price is not known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from otelier import cost

# What nobody knows but the reader, who writes USD per million tokens in its place.
INPUT: Final = "INPUT"
OUTPUT: Final = "OUTPUT"


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A row of ``unpriced``, and its line; '' where no model is named."""

    row: Any
    line: str


def lines(rows: Iterable[Any]) -> list[Unpriced]:
    """Rows of ``unpriced`` with their lines."""
    return [Unpriced(row, line(row)) for row in rows]


def line(row: Any) -> str:
    """The line that gives such calls a cost, once its numbers are filled in. ASCII."""
    key = cost.own_key(row.provider, row.response_model or None, row.model or None)
    if not key:
        return ""
    prices = f'"input": {INPUT}'
    # Who writes nothing, as embeddings do, needs no price for it.
    if row.output_tokens:
        prices += f', "output": {OUTPUT}'
    return f"{json.dumps(key)}: {{{prices}}}"


def file(rows: Iterable[Unpriced]) -> str:
    """A price file of these lines, each once."""
    members = dict.fromkeys(f"  {each.line}" for each in rows if each.line)
    return "{\n" + ",\n".join(members) + "\n}\n"
