"""How long model calls take."""

from __future__ import annotations

from typing import Final

from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.model import Column, Question, Values

_COLUMNS: Final = "seconds, first_chunk, model_call, error"
_SHARES: Final = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


def _percentiles(name: str, value: str, number: str) -> str:
    """Of each key the least value that such a share does not exceed: one that was measured."""
    marks = ", ".join(
        f"min(CASE WHEN placed.place >= {share} * sizes.{number} THEN placed.{value} END) AS {mark}"
        for mark, share in _SHARES
    )
    return (
        f"{name} AS (SELECT sizes.key AS key, {marks} FROM "
        f"(SELECT key, {value}, row_number() OVER (PARTITION BY key ORDER BY {value}) AS place "
        f"FROM told WHERE {value} IS NOT NULL) AS placed "
        "INNER JOIN sizes ON sizes.key = placed.key GROUP BY sizes.key)"
    )


def _latency(values: Values) -> str:
    marks = ", ".join(
        f"{table}.{mark} AS {prefix}{mark}"
        for table, prefix in (("whole", ""), ("firsts", "first_"))
        for mark, _ in _SHARES
    )
    # Calls of models are all paid for, and these have an index of their own.
    return (
        f"{grouping.keyed(str(values['by']), 'spent', _COLUMNS)}, "
        "told AS (SELECT key, seconds, first_chunk FROM found WHERE model_call AND error = ''), "
        "sizes AS (SELECT key, count(*) AS calls, avg(seconds) AS mean, max(seconds) AS slowest, "
        "count(first_chunk) AS streams FROM told GROUP BY key), "
        f"{_percentiles('whole', 'seconds', 'calls')}, "
        f"{_percentiles('firsts', 'first_chunk', 'streams')} "
        f"SELECT sizes.key AS key, sizes.calls AS calls, sizes.mean AS mean, {marks}, "
        "sizes.slowest AS slowest, sizes.streams AS streams FROM sizes "
        "INNER JOIN whole ON whole.key = sizes.key LEFT JOIN firsts ON firsts.key = sizes.key "
        "ORDER BY whole.p90 DESC, sizes.key {limit}"
    )


def _seconds(name: str, help: str, optional: bool = False) -> Column:
    return Column(name, "float", help, "s", optional=optional)


LATENCY: Final = Question(
    "latency",
    "Latency",
    "How long model calls took: mean, percentiles, first chunk.\n\n"
    "Of calls that did not fail. A percentile is a time that was measured, not one between two.",
    'latency(by="model", since="24h")',
    (grouping.by(), *p.ALL, p.OPERATION, p.limit(100)),
    (
        grouping.KEY,
        Column("calls", "int", "model calls that did not fail"),
        _seconds("mean", "mean"),
        _seconds("p50", "half of the calls took no longer"),
        _seconds("p90", "nine of ten took no longer"),
        _seconds("p99", "99 of 100 took no longer"),
        _seconds("slowest", "the slowest"),
        Column("streams", "int", "calls whose first chunk's time is known", hidden=True),
        _seconds("first_p50", "to the first chunk: half of the streams took no longer", True),
        _seconds("first_p90", "to the first chunk: nine of ten took no longer", True),
        _seconds("first_p99", "to the first chunk: 99 of 100 took no longer", True),
    ),
    _latency,
)

QUESTIONS: Final = (LATENCY,)
