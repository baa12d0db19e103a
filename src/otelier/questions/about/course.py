"""How costs and tokens went over time: the sums of ``costs`` by hour or day, some keys apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from otelier.questions.about import grouping
from otelier.questions.about.sums import COLUMNS, COSTS, SUMS
from otelier.questions.asking import bound, made, one_of, sql, taken

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Step: TypeAlias = Literal["hour", "day"]

_COURSE: Final = (
    "{found} SELECT {step} AS moment, CASE WHEN {these} THEN key ELSE '' END AS one, "
    "CASE WHEN {these} THEN 0 ELSE 1 END AS other, {sums} "
    "FROM found GROUP BY moment, one, other ORDER BY moment"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sums of an hour or a day."""

    # As ``costs`` by hour or day calls it.
    moment: str
    # Of all other keys together.
    other: bool
    # A row of ``costs``.
    row: Any


def course(
    engine: Engine, given: Mapping[str, Any], keys: Sequence[str] | None, step: Step
) -> list[Stretch]:
    """Sums by time and key, in the order of time; only these keys are told apart, None for all.

    ``given``: what ``costs`` is told. Raises as ``ask``.
    """
    values = taken(COSTS, given)
    these, named = ("1 = 1", {}) if keys is None else one_of("key", keys)
    found = grouping.keyed(str(values["by"]), "spent", f"{step}, {COLUMNS}")
    text = _COURSE.format(found=found, step=step, these=these, sums=SUMS)
    query = sql(COSTS, text, values)
    told = list(engine.ask(query, {**bound(query, values), **named}).dicts())
    rows = made(COSTS, ({**each, "key": each["one"]} for each in told))
    return [
        Stretch(str(each["moment"]), bool(each["other"]), row)
        for each, row in zip(told, rows, strict=True)
    ]
