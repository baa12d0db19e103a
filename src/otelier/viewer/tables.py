"""Rows of text as a table that fits a terminal; else one below the other, or as things said."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otelier.viewer import text as txt
from otelier.viewer.layout import flow
from otelier.viewer.look import Look

_GAP: Final = 2
# Texts of a table may be cut, to no less than this, and are to no more than that.
_SHORTEST: Final = 16
_LONGEST: Final = 60
# Fewer columns are no table.
_FEWEST: Final = 4

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its name, how its cells stand, whether they may be cut."""

    name: str
    right: bool = False
    whole: bool = False
    style: str = ""


class Drawing:
    """Draws rows; what is drawn later has columns at least as wide, so that it stands below."""

    def __init__(self, headings: Sequence[Heading], look: Look, *, all: bool = False) -> None:
        """``all``: no column may be left out."""
        self._headings = headings
        self._look = look
        self._all = all
        self._widths = [txt.width(heading.name) for heading in headings]
        self._begun = False
        # How many columns the rows were last drawn without.
        self.left_out = 0

    def draw(self, rows: Rows) -> str:
        """The rows, at first with the columns' names; each line ended. Texts are made harmless.

        Where the terminal is too narrow, the last columns are left out; where it is very narrow,
        or none may be, each row is lines of names and values.
        """
        cells = [[self._look.clean(cell) for cell in row] for row in rows]
        for index in range(len(self._headings)):
            found = max((txt.width(row[index]) for row in cells), default=0)
            self._widths[index] = max(self._widths[index], found)
        widths = self._fitted()
        self.left_out = len(self._headings) - len(widths) if widths else 0
        return self._table(cells, widths) if widths else self.records(rows)

    def _fitted(self) -> list[int]:
        """Widths of as many columns as can stand side by side; none if they are too few."""
        count = len(self._headings)
        fewest = count if self._all else min(count, _FEWEST)
        for number in range(count, fewest - 1, -1):
            if widths := self._shrunk(number):
                return widths
        return []

    def _shrunk(self, number: int) -> list[int]:
        """Widths of the first columns, the widest texts cut; none if that is not enough."""
        whole = [heading.right or heading.whole for heading in self._headings]
        widths = [
            width if kept else min(width, _LONGEST)
            for width, kept in zip(self._widths[:number], whole, strict=False)
        ]
        over = sum(widths) + _GAP * (number - 1) - self._look.columns
        while over > 0:
            cut = [i for i in range(number) if not whole[i] and widths[i] > _SHORTEST]
            if not cut:
                return []
            widest = max(cut, key=lambda i: widths[i])
            widths[widest] -= 1
            over -= 1
        return widths

    def _table(self, rows: Rows, widths: Sequence[int]) -> str:
        head, self._begun = not self._begun, True
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=head)
        headings = self._headings[: len(widths)]
        for heading, width in zip(headings, widths, strict=True):
            table.add_column(
                Text(heading.name, style="bold"),
                justify="right" if heading.right else "left",
                no_wrap=True,
                overflow="crop",
                width=width,
            )
        for row in rows:
            table.add_row(*map(self._cell, row[: len(widths)], widths, headings))
        out = io.StringIO()
        Console(
            file=out,
            width=sum(widths) + _GAP * len(widths),
            color_system="standard" if self._look.color else None,
            force_terminal=self._look.color,
            force_jupyter=False,
            legacy_windows=False,
            emoji=False,
            highlight=False,
        ).print(table)
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())

    def _cell(self, text: str, width: int, heading: Heading) -> Text:
        if txt.width(text) > width:
            mark = "..." if self._look.ascii else "…"
            cut = Text(text)
            cut.truncate(width - len(mark), overflow="crop")
            text = cut.plain + mark
        return Text(text, style=heading.style)

    def records(self, rows: Rows) -> str:
        """Each row as lines ``name  value``; what is empty is left out."""
        return "".join(line for row in rows for line in (*self._between(), *self._record(row)))

    def _record(self, row: Sequence[str]) -> Iterator[str]:
        label = max(txt.width(heading.name) for heading in self._headings) + _GAP
        for heading, cell in zip(self._headings, row, strict=True):
            name = self._look.paint(heading.name, "bold") + " " * (label - len(heading.name))
            for part in self._wrapped(cell, self._look.columns - label):
                yield f"{name}{self._look.paint(part, heading.style)}\n"
                name = " " * label

    def said(self, rows: Rows, texts: Sequence[str]) -> str:
        """Each row in a line, and below it a text."""
        lines: list[str] = []
        for row, text in zip(rows, texts, strict=True):
            lines += self._between()
            facts = [
                (cell, heading.style or "bold")
                for heading, cell in zip(self._headings, row, strict=True)
                if cell
            ]
            lines += (f"{line}\n" for line in flow(facts, "", " " * _GAP, self._look))
            for part in self._wrapped(text, self._look.columns - _GAP):
                lines.append(f"{' ' * _GAP}{part}".rstrip() + "\n")
        return "".join(lines)

    def _between(self) -> Sequence[str]:
        begun, self._begun = self._begun, True
        return ("\n",) if begun else ()

    def _wrapped(self, cell: str, columns: int) -> Iterator[str]:
        for line in self._look.lines(cell) if cell else ():
            yield from txt.wrap(line, columns)
