"""A person's own queries in SQL: what can be asked, what is asked, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelier.store import views
from otelier.store.engine import Answer, Engine, StoreError
from otelier.store.views import View

# Rows that are shown to a person.
ROWS: Final = 1_000
EXAMPLE: Final = "SELECT model, sum(cost) AS cost FROM spent GROUP BY model"

# Asks a store: the query, and how many rows at most. Raises StoreError.
Ask: TypeAlias = Callable[[str, int | None], Answer]


@dataclass(frozen=True, slots=True)
class Example:
    """A query that runs on every store."""

    title: str
    sql: str


# What is ordered by has a name that no column has: ClickHouse would take it for the column.
EXAMPLES: Final = (
    Example(
        "Cost by model",
        "SELECT model, count(*) AS calls, sum(cost) AS usd, sum(unpriced) AS without_price\n"
        "FROM spent\nGROUP BY model\nORDER BY usd DESC NULLS LAST",
    ),
    Example(
        "Cost by day and user",
        "SELECT day, user, sum(cost) AS usd, sum(input_tokens) AS tokens_read\n"
        "FROM spent\nGROUP BY day, user\nORDER BY day DESC, usd DESC NULLS LAST",
    ),
    Example(
        "Slowest calls",
        "SELECT time, model, seconds, first_chunk, output_tokens, trace_id, span_id\n"
        "FROM calls\nWHERE model_call\nORDER BY seconds DESC\nLIMIT 50",
    ),
    Example(
        "What failed",
        "SELECT time, operation, model, tool, error, trace_id, span_id\n"
        "FROM calls\nWHERE error != ''\nORDER BY time DESC\nLIMIT 100",
    ),
    Example(
        "Tools",
        "SELECT tool, count(*) AS runs, sum(error != '') AS failed, avg(seconds) AS mean_seconds\n"
        "FROM tool_calls\nGROUP BY tool\nORDER BY runs DESC",
    ),
    Example(
        "What users said last",
        "SELECT time, text, model, conversation, trace_id, span_id\n"
        "FROM messages\nWHERE role = 'user' AND model_call\nORDER BY time DESC, position DESC\n"
        "LIMIT 50",
    ),
    Example(
        "Scores of evaluations",
        "SELECT evaluation, model, count(*) AS answers, avg(score) AS mean\n"
        "FROM evaluations\nGROUP BY evaluation, model\nORDER BY evaluation, mean DESC NULLS LAST",
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found, as far as it was wanted. No two columns have one name."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    # Whether there are more rows.
    cut: bool = False

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by names of columns, as JSON has them."""
        return [dict(zip(self.columns, map(plain, row), strict=True)) for row in self.rows]


def found(ask: Ask, query: str, most: int | None = None) -> Found:
    """What a query finds; at most ``most`` rows. Raises StoreError with what the engine says."""
    # One more tells whether there are more.
    answer = ask(read(query), most + 1 if most is not None else None)
    columns = tuple(distinct(answer.columns))
    return Found(columns, answer.rows[:most], most is not None and len(answer.rows) > most)


def read(query: str) -> str:
    """A query as it is asked. Raises StoreError where there is none."""
    # What no UTF-8 has, and what ends a text in SQLite, is in no store. ClickHouse's client would
    # add something after a semicolon.
    text = query.encode("utf-8", "replace").decode().replace("\0", " ").strip().rstrip("; \r\n")
    if not text:
        raise StoreError(f"there is no query: an example is {EXAMPLE}")
    return text


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, none of them twice: a query may call two by one."""
    told: dict[str, None] = {}
    for name in names:
        number, each = 1, name
        while each in told:
            number += 1
            each = f"{name}_{number}"
        told[each] = None
    return list(told)


def plain(value: Any) -> Any:
    """A value as JSON has it; of SQLite's bytes their digits."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def described(engine: Engine) -> Iterator[tuple[View, list[str]]]:
    """The views of a store, each with its columns. Raises StoreError."""
    for view in views.listed():
        answer = engine.ask(f"SELECT * FROM otelier.{view.asked} LIMIT 0")
        yield view, list(answer.columns)
