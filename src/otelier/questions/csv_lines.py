"""Rows as lines of CSV: what JSON can hold, nothing is an empty field."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from otelier.questions.cells import compact

_WORDS: Final = {True: "true", False: "false", None: ""}


def text(value: Any) -> str:
    """A value as a field has it."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return compact(value) if isinstance(value, list | dict) else str(value)


def line(texts: Iterable[str]) -> str:
    """A row, with the end of its line."""
    out = io.StringIO()
    # Characters of line ends are quoted only if they are in this one.
    csv.writer(out, lineterminator="\r\n").writerow(texts)
    return f"{out.getvalue()[:-2]}\n"
