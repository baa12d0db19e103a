"""The views that are asked in SQL, of both kinds of store: what each is, as ``views.sql`` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from otelier.store import schema

# What other views and indexes are made of.
_INTERNAL: Final = frozenset({"lists"})
_VIEW: Final = re.compile(r"((?:^-- .*\n)+)^CREATE VIEW (\w+) AS", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(.*?)(?:\. |\.?$)")


@dataclass(frozen=True, slots=True)
class View:
    """A view: its name, how it is asked, and what its rows are, in a sentence."""

    name: str
    asked: str
    help: str


@cache
def listed() -> tuple[View, ...]:
    """All views that both kinds of store have."""
    return tuple(_read(schema.script("views.sql")))


def _read(script: str) -> Iterator[View]:
    for comment, name in _VIEW.findall(script):
        if name not in _INTERNAL:
            yield View(name, name, _sentence(comment))
    # With an argument, it is none in SQLite.
    yield View("trace", "trace(trace_id = '…')", _sentence(schema.script("trace.sql")))


def _sentence(comment: str) -> str:
    lines = comment.splitlines()
    text = " ".join(line[3:] for line in lines if line.startswith("-- "))
    found = _SENTENCE.match(text)
    assert found is not None
    return found[1]
