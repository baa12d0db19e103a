"""Rows of an answer for a person, or for a program: a table, JSON, CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TextIO

from otelier.cli.printing import Printer
from otelier.questions.asking import as_json
from otelier.questions.cells import UNKNOWN, cell
from otelier.questions.model import Column, Question, Values
from otelier.viewer.tables import Drawing, Heading

_STYLES: Final = {"cost": "green", "error": "red", "time": "dim"}


class Output:
    """Writes the rows of one question, all at once or as they come."""

    def __init__(
        self, question: Question, values: Values, stream: TextIO, form: str, *, wide: bool = False
    ) -> None:
        """``form``: "table", "json" or "csv". ``wide``: a table has all columns."""
        self._question = question
        self._values = values
        self._printer = Printer(stream)
        self._form = form
        self._wide = wide
        self._drawing: Drawing | None = None
        self._shown: list[Column] = []
        self._headed = False

    def write(self, rows: Sequence[Any]) -> None:
        """All rows of an answer."""
        if self._form == "json":
            self._printer.json(as_json(self._question, rows), indent=2)
        else:
            self.more(rows)

    def more(self, rows: Sequence[Any]) -> None:
        """Rows below those that were written; JSON is a line for each."""
        if self._form == "json":
            for row in as_json(self._question, rows):
                self._printer.json(row)
        elif self._form == "csv":
            head = () if self._headed else ([column.name for column in self._question.columns],)
            self._headed = True
            told = as_json(self._question, rows)
            self._printer.csv([*head, *(row.values() for row in told)])
        elif rows:
            self._printer.text(self._table(rows))

    def _table(self, rows: Sequence[Any]) -> str:
        shown = self._question.shown
        if self._drawing is None:
            columns = self._question.columns
            self._shown = [column for column in columns if self._tells(column, rows)]
            headings = [self._heading(column) for column in self._shown]
            self._drawing = Drawing(headings, self._printer.look, all=self._wide)
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
    if text in ("", UNKNOWN):
        return ""
    return f"{column.label} {text}" if column.label else text
