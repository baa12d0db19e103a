"""What a query of the reader's own found, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from otelier.questions.cells import compact

# Characters of a cell: the first of these with which all cells together are no more than that, for
# who looks at one text wants to see all of it, and of a thousand the beginnings.
_CELL: Final = (100_000, 5_000, 1_000, 300, 60)
_ALL: Final = 1_000_000
# Characters of a line, and of some lines.
_LINE: Final = 60
_LINES: Final = 200
# What a column of such a name leads to, and which others have to be there.
_LINKS: Final[Mapping[str, tuple[str, ...]]] = {
    "trace_id": ("traces", "trace_id"),
    "span_id": ("traces", "trace_id", "span_id"),
    "parent_id": ("traces", "trace_id", "parent_id"),
    "session": ("sessions", "session"),
    "conversation": ("conversations", "conversation"),
}


class Cell(NamedTuple):
    """A value."""

    kind: str
    """``null``, ``number``, ``word`` (true, false), ``text``, ``bytes`` or ``data``."""
    text: str
    cut: int = 0
    """How many characters are not shown."""
    link: tuple[str, ...] = ()
    """Parts of the path that it leads to."""

    @property
    def long(self) -> bool:
        """Whether it needs several lines."""
        return len(self.text) > _LINE or "\n" in self.text

    @property
    def begins(self) -> str:
        """How it begins, where it is so long that it is folded; else nothing."""
        return " ".join(self.text[:_LINES].split()) if len(self.text) > _LINES else ""


@dataclass(frozen=True, slots=True)
class Result:
    """A table."""

    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    """Of each column whether it has numbers and nothing else."""
    rows: Sequence[Sequence[Cell]]


def result(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Result:
    """The table. What is too long is cut, and says so."""
    told = [[_told(value) for value in row] for row in rows]
    most = _most([len(text) for row in told for _, text in row])
    links = [_link(columns, name) for name in columns]
    cells = [
        [
            Cell(kind, text[:most], max(0, len(text) - most), _path(link, row))
            for (kind, text), link in zip(texts, links, strict=True)
        ]
        for texts, row in zip(told, rows, strict=True)
    ]
    return Result(tuple(columns), tuple(_numbers(cells, len(columns))), cells)


def _told(value: Any) -> tuple[str, str]:
    if value is None:
        return "null", "NULL"
    if isinstance(value, str):
        return "text", value
    if isinstance(value, bool):
        return "word", compact(value)
    if isinstance(value, int | float):
        return "number", repr(value)
    if isinstance(value, bytes):
        return "bytes", f"x'{value.hex()}'"
    return "data", compact(value)


def _most(lengths: Sequence[int]) -> int:
    fitting = (most for most in _CELL if sum(min(each, most) for each in lengths) <= _ALL)
    return next(fitting, _CELL[-1])


def _link(columns: Sequence[str], name: str) -> tuple[str, tuple[int, ...]] | None:
    """What a column's values lead to: a page, and the columns that name what is on it."""
    if name not in _LINKS:
        return None
    page, *parts = _LINKS[name]
    if not all(part in columns for part in parts):
        return None
    return page, tuple(columns.index(part) for part in parts)


def _path(link: tuple[str, tuple[int, ...]] | None, row: Sequence[Any]) -> tuple[str, ...]:
    if link is None:
        return ()
    page, places = link
    parts = [row[place] for place in places]
    return (page, *parts) if all(isinstance(part, str) and part for part in parts) else ()


def _numbers(cells: Sequence[Sequence[Cell]], columns: int) -> Iterable[bool]:
    for place in range(columns):
        kinds = {row[place].kind for row in cells}
        yield "number" in kinds and kinds <= {"number", "null"}
