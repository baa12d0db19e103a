"""The questions table of collector-config/README.md: the queries that users copy are the tested."""

from __future__ import annotations

import re
from functools import cache
from itertools import dropwhile, takewhile

from tests.backends.running import CONFIGS

_CODE = re.compile(r"`([^`]+)`")
_CELLS = re.compile(r"(?<!\\)\|")


def rows(text: str, start: str, end: str = "") -> list[list[str]]:
    """The cells of the first table after a text, head first, with their pipes unescaped."""
    _, begun, rest = text.partition(start)
    assert begun, f"there is no {start}"
    if end:
        rest, ended, _ = rest.partition(end)
        assert ended, f"there is no {end}"
    below = dropwhile(lambda line: not line.startswith("|"), rest.splitlines())
    lines = takewhile(lambda line: line.startswith("|"), below)
    cells = [[c.strip().replace("\\|", "|") for c in _CELLS.split(line)[1:-1]] for line in lines]
    assert len(cells) > 2, f"there is no table after {start}"
    # Without the line below the head.
    return [cells[0], *cells[2:]]


@cache
def table() -> dict[str, dict[str, str]]:
    """Cells by question and by backend."""
    text = (CONFIGS / "README.md").read_text()
    head, *lines = rows(text, "<!-- questions -->", "<!-- end of the questions -->")
    return {line[0]: dict(zip(head[1:], line[1:], strict=True)) for line in lines}


def queries(backend: str) -> dict[str, list[str]]:
    """A backend's queries by question; each cell has some, or says why it has none."""
    found: dict[str, list[str]] = {}
    for question, cells in table().items():
        cell = cells[backend]
        if queried := _CODE.findall(cell):
            found[question] = queried
        else:
            assert cell.startswith("not possible: "), f"{question} in {backend}: {cell!r}"
    return found
