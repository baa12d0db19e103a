"""A question's answer as JSON has it, whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier.questions.asking import as_json, ask, taken
from otelier.questions.model import Question
from otelier.store.engine import Engine
from otelier.web.describing import described

# Of one answer.
MOST_ROWS: Final = 10_000


def answer(
    question: Question, opened: Callable[[], Engine], given: dict[str, Any]
) -> dict[str, Any]:
    """Columns and rows; ``cut`` is there where one answer cannot have all rows.

    Raises as ``ask``.
    """
    values = taken(question, given)
    if isinstance(limit := values.get("limit"), int):
        values["limit"] = min(limit, MOST_ROWS + 1)
    engine = opened()
    try:
        rows = ask(question, engine, **values)
    finally:
        engine.close()
    found: dict[str, Any] = {
        "columns": described(question)["columns"],
        "rows": as_json(question, rows[:MOST_ROWS]),
    }
    return found if len(rows) <= MOST_ROWS else {**found, "cut": True}
