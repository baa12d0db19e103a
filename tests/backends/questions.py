"""The questions table of collector-config/README.md: the queries that users copy are the tested."""

from __future__ import annotations

import re
from functools import cache

from tests.backends.running import CONFIGS

_CODE = re.compile(r"`([^`]+)`")
_CELLS = re.compile(r"(?<!\\)\|")


@cache
def table() -> dict[str, dict[str, str]]:
    """Cells by question and by backend, with their pipes unescaped."""
    text = (CONFIGS / "README.md").read_text()
    _, start, rest = text.partition("<!-- questions -->\n")
    body, end, _ = rest.partition("<!-- end of the questions -->")
    assert start and end, "README.md has no table of questions"
    head, _, *lines = [
        [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]]
        for line in body.strip().splitlines()
    ]
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
