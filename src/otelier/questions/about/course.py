"""How costs and tokens went over time: the sums of ``costs`` by hour or day, some keys apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from otelier.questions.about import grouping
from otelier.questions.about.sums import COSTS, SUMS
from otelier.questions.asking import bound, one_of, sql, taken

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Step: TypeAlias = Literal["hour", "day"]

_COURSE: Final = (
    "{found} SELECT {step} AS moment, CASE WHEN {these} THEN key ELSE '' END AS one, "
    "CASE WHEN {these} THEN 0 ELSE 1 END AS other, {sums} "
    "FROM found GROUP BY moment, one, other ORDER BY moment"
)


def course(
    engine: Engine, given: Mapping[str, Any], keys: Sequence[str], step: Step
) -> list[dict[str, Any]]:
    """Sums by time and key: ``moment``, ``one`` of the keys, and what a row of ``costs`` has.

    ``given``: what ``costs`` is told. All other keys are in one row of a time: ``other`` is 1.
    Raises as ``ask``.
    """
    values = taken(COSTS, given)
    these, named = one_of("key", keys)
    found = grouping.keyed(str(values["by"]), "spent")
    text = _COURSE.format(found=found, step=step, these=these, sums=SUMS)
    query = sql(COSTS, text, values)
    return list(engine.ask(query, {**bound(query, values), **named}).dicts())
