"""Rows of text as a table that fits a terminal; where it cannot, one row below the other."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otelier.viewer import text as txt
from otelier.viewer.look import Look

_GAP: Final = 2
# A text that is longer may be cut, down to this.
_SHORTEST: Final = 12
# No text needs more in a table.
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its name, whether its cells are numbers, its style."""

    name: str
    number: bool = False
    style: str = ""


class Drawing:
    """Draws rows; what is drawn later has columns at least as wide, so that it stands below."""

    def __init__(self, headings: Sequence[Heading], look: Look) -> None:
        self._headings = headings
        self._look = look
        self._widths = [txt.width(heading.name) for heading in headings]
        self._begun = False

    def draw(self, rows: Sequence[Sequence[str]]) -> str:
        """The rows, at first with the columns' names; each line ended. Texts are made harmless."""
        rows = [[self._look.clean(cell) for cell in row] for row in rows]
        for index in range(len(self._headings)):
            found = max((txt.width(row[index]) for row in rows), default=0)
            self._widths[index] = max(self._widths[index], found)
        fitted = self._fitted()
        if fitted is None:
            return "".join(self._records(rows))
        return self._table(rows, fitted)

    def _fitted(self) -> list[int] | None:
        """A width for each column, or None if they cannot stand side by side."""
        widths = [
            width if heading.number else min(width, _LONGEST)
            for width, heading in zip(self._widths, self._headings, strict=True)
        ]
        room = self._look.columns - _GAP * (len(widths) - 1)
        while (over := sum(widths) - room) > 0:
            texts = [i for i, heading in enumerate(self._headings) if not heading.number]
            widest = max(texts, key=lambda i: widths[i], default=None)
            if widest is None or widths[widest] <= _SHORTEST:
                return None
            widths[widest] = max(_SHORTEST, widths[widest] - max(1, over // 4))
        return widths

    def _table(self, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
        table = Table(
            box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=not self._begun
        )
        self._begun = True
        for heading, width in zip(self._headings, widths, strict=True):
            table.add_column(
                Text(heading.name, style="bold"),
                justify="right" if heading.number else "left",
                no_wrap=True,
                overflow="crop",
                width=width,
            )
        for row in rows:
            table.add_row(
                *(self._cell(*each) for each in zip(row, widths, self._headings, strict=True))
            )
        out = io.StringIO()
        console = Console(
            file=out,
            width=sum(widths) + _GAP * len(widths),
            color_system="standard" if self._look.color else None,
            force_terminal=self._look.color,
            force_jupyter=False,
            legacy_windows=False,
            emoji=False,
            highlight=False,
        )
        console.print(table)
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())

    def _cell(self, text: str, width: int, heading: Heading) -> Text:
        mark = "..." if self._look.ascii else "…"
        if txt.width(text) > width:
            cut = Text(text)
            cut.truncate(width - len(mark), overflow="crop")
            text = cut.plain + mark
        return Text(text, style=heading.style)

    def _records(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        """Each row as lines ``name  value``; what is empty is left out."""
        label = max(txt.width(heading.name) for heading in self._headings) + _GAP
        for row in rows:
            if self._begun:
                yield "\n"
            self._begun = True
            for heading, cell in zip(self._headings, row, strict=True):
                if not cell:
                    continue
                name = self._look.paint(heading.name, "bold") + " " * (label - len(heading.name))
                first, *rest = list(txt.wrap(cell, self._look.columns - label)) or [""]
                yield f"{name}{self._look.paint(first, heading.style)}\n"
                for part in rest:
                    yield f"{' ' * label}{self._look.paint(part, heading.style)}\n"
