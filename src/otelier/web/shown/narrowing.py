"""Rows of sums, and where they lead: to the sums of one of them, to its traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otelier.questions.table import BY_NAME
from otelier.web.shown.period import ALL
from otelier.web.shown.spending import STEPS, known, stretch

# Names of conditions, and texts.
Conditions = Mapping[str, str]
_SUMS: Final = frozenset(each.name for each in BY_NAME["costs"].parameters)
_TRACES: Final = frozenset(each.name for each in BY_NAME["traces"].parameters)
# By what the sums of one are told next.
_NEXT: Final[Conditions] = {"model": "user", "tenant": "user"}
_ELSE: Final = "model"
# Characters of a key that a URL has room for.
_LONGEST: Final = 2000
# What has a page of its own.
PAGES: Final[Conditions] = {"session": "sessions", "conversation": "conversations"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of sums; where something is empty, it leads to nowhere."""

    sums: Any
    # What a URL of costs and one of traces says of it.
    costs: Conditions
    traces: Conditions
    # The path's first part, if it has a page of its own.
    page: str
    # Its part of all known cost, from 0 to 1; None where there is none.
    share: float | None


def rows(found: Iterable[Any], by: str, told: Conditions, cost: float | None) -> list[Row]:
    """Rows of ``costs``.

    ``told``: all other conditions that are in force, and the period. ``cost``: of all together.
    """
    return [
        Row(
            each,
            costs_of(by, each.key, told),
            traces_of(by, each.key, told),
            PAGES.get(by, "") if _linked(each.key) else "",
            _share(known(each.cost), known(cost)),
        )
        for each in found
    ]


def _linked(key: str) -> bool:
    return 0 < len(key) <= _LONGEST


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole and 0 <= part <= whole else None


def costs_of(by: str, key: str, told: Conditions) -> dict[str, str]:
    """What a URL says of the costs of one key alone; nothing where it cannot be asked for."""
    if by in STEPS:
        return {**told, **stretch(key, by), "by": _ELSE}
    if not _linked(key) or by not in _SUMS:
        return {}
    return {**told, by: key, "by": _NEXT.get(by, _ELSE)}


def traces_of(by: str, key: str, told: Conditions) -> dict[str, str]:
    """What a URL says of its traces."""
    if by in STEPS:
        said = stretch(key, by)
    elif _linked(key) and by in _TRACES:
        said = {by: key}
    else:
        return {}
    return dict(_for_traces({**told, **said}))


def _for_traces(told: Conditions) -> Iterator[tuple[str, str]]:
    for name, value in told.items():
        if name in _TRACES and (name, value) != ("since", ALL):
            yield name, value
