"""Rows of an answer for a person, or for a program: a table, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TextIO

from otelier import semconv
from otelier.questions.asking import as_json
from otelier.questions.model import Column, Question, Values
from otelier.viewer import terminal
from otelier.viewer import text as txt
from otelier.viewer.look import Look
from otelier.viewer.messages import conversation as spoken
from otelier.viewer.tables import Drawing, Heading

_UNKNOWN: Final = "–"
_NONE: Final = "(none)"
# Members of one list that are shown.
_MOST: Final = 10_000
_STYLES: Final = {"cost": "green", "error": "red", "time": "dim"}
_CSV: Final = {True: "true", False: "false", None: ""}


class Output:
    """Writes the rows of one question, all at once or as they come."""

    def __init__(
        self, question: Question, values: Values, stream: TextIO, form: str, *, wide: bool = False
    ) -> None:
        """``form``: "table", "json" or "csv". ``wide``: a table has all columns."""
        self._question = question
        self._values = values
        self._stream = stream
        self._form = form
        self._wide = wide
        # What a terminal shows must not control it; what a program reads is as it is.
        self._person = stream.isatty()
        self._look = Look(
            color=terminal.wants_color(stream),
            width=terminal.columns(stream),
            ascii=terminal.needs_ascii(stream),
        )
        self._drawing: Drawing | None = None
        self._shown: list[Column] = []
        self._headed = False

    def write(self, rows: Sequence[Any]) -> None:
        """All rows of an answer."""
        if self._form == "json":
            told = as_json(self._question, rows)
            self._put(json.dumps(told, indent=2, ensure_ascii=self._escapes) + "\n")
        else:
            self.more(rows)

    def more(self, rows: Sequence[Any]) -> None:
        """Rows below those that were written; JSON is a line for each."""
        if self._form == "json":
            for row in as_json(self._question, rows):
                self._put(json.dumps(row, ensure_ascii=self._escapes) + "\n")
        elif self._form == "csv":
            self._put(self._csv(rows))
        elif rows:
            self._put(self._table(rows))

    @property
    def _escapes(self) -> bool:
        return self._person or self._look.ascii

    def _put(self, text: str) -> None:
        terminal.write(self._stream, text)

    def _csv(self, rows: Sequence[Any]) -> str:
        lines: list[str] = []
        if not self._headed:
            lines.append(_csv_line([column.name for column in self._question.columns]))
        self._headed = True
        for row in as_json(self._question, rows):
            cells = [_for_csv(value) for value in row.values()]
            lines.append(_csv_line([*map(self._look.clean, cells)] if self._person else cells))
        return "".join(lines)

    def _table(self, rows: Sequence[Any]) -> str:
        shown = self._question.shown
        if self._drawing is None:
            columns = self._question.columns
            self._shown = [column for column in columns if self._tells(column, rows)]
            headings = [self._heading(column) for column in self._shown]
            self._drawing = Drawing(headings, self._look, all=self._wide)
        cells = [[cell(column, row) for column in self._shown] for row in rows]
        if shown == "said" and not self._wide:
            told = [list(map(_labelled, self._shown, each)) for each in cells]
            return self._drawing.said(told, [row.text for row in rows])
        return self._drawing.records(cells) if shown == "whole" else self._drawing.draw(cells)

    def _tells(self, column: Column, rows: Sequence[Any]) -> bool:
        """Whether a person is shown the column: not where it is the same nothing in all rows."""
        if self._wide:
            return True
        if column.hidden or (self._question.shown == "said" and column.name == "text"):
            return False
        return self._question.follows or any(
            _says(column, getattr(row, column.name)) for row in rows
        )

    def _heading(self, column: Column) -> Heading:
        name = column.label or column.name
        if column.name == "key":
            name = str(self._values.get("by") or name)
        whole = column.type == "time" or column.name.endswith("_id")
        right = column.type in ("int", "float")
        return Heading(name, right, whole, _STYLES.get(column.name, ""))


def _says(column: Column, value: Any) -> bool:
    """Whether a value is something: what is measured is, if it is 0; what is counted is not."""
    if column.type == "float":
        return value is not None
    return value not in ("", None, (), 0, [], {})


def _labelled(column: Column, text: str) -> str:
    """A value beside others, with its name where it would not be known."""
    if text in ("", _UNKNOWN):
        return ""
    return f"{column.label} {text}" if column.label else text


def cell(column: Column, row: Any) -> str:
    """A value as a person reads it."""
    value = getattr(row, column.name)
    if value is None:
        return "" if column.type == "data" else _UNKNOWN
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
        return "\n".join(f"{key}: {_compact(each)}" for key, each in value.items())
    if not isinstance(value, list):
        return _compact(value)
    if value and all(isinstance(each, Mapping) and "role" in each for each in value):
        said = spoken({semconv.INPUT_MESSAGES: value}, _MOST)
        return "\n".join(f"{each.who}: {each.text}{each.tail}" for each in said)
    return "\n".join(map(_compact, value))


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    # Characters of line ends are quoted only if they are in this one.
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return f"{out.getvalue()[:-2]}\n"


def _for_csv(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _CSV[value]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
