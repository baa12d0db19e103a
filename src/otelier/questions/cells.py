"""Values of rows as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from otelier import semconv
from otelier.questions.model import Column
from otelier.viewer import text as txt
from otelier.viewer.messages import conversation as spoken

UNKNOWN: Final = "–"
_NONE: Final = "(none)"
# Members of one list that are shown.
_MOST: Final = 10_000


def cell(column: Column, row: Any) -> str:
    """A value as a person reads it."""
    value = getattr(row, column.name)
    if value is None:
        return "" if column.type == "data" else UNKNOWN
    unit = column.unit or getattr(row, "unit", "") if column.type == "float" else column.unit
    partial = any(getattr(row, name) for name in column.missing)
    if unit == "USD":
        return txt.dollars(value, partial)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if unit == "s":
        return txt.duration(value)
    if unit == "share":
        return f"{value:.1%}"
    if column.type == "bool":
        return "yes" if value else ""
    if column.type == "int":
        return f"≥ {value:,}" if partial else f"{value:,}"
    if column.type == "float":
        return f"{value:,.4g}"
    if column.type == "list":
        return ", ".join(value)
    if column.name == "key":
        return value or _NONE
    return value if isinstance(value, str) else _data(value)


def _data(value: Any) -> str:
    """What JSON can hold, in lines: messages as they were said, members by their names."""
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {compact(each)}" for key, each in value.items())
    if not isinstance(value, list):
        return compact(value)
    if value and all(isinstance(each, Mapping) and "role" in each for each in value):
        said = spoken({semconv.INPUT_MESSAGES: value}, _MOST)
        return "\n".join(f"{each.who}: {each.text}{each.tail}" for each in said)
    return "\n".join(map(compact, value))


def compact(value: Any) -> str:
    """A value in a line: a text as it is, else JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
