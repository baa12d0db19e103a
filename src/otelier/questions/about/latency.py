"""How long model calls take."""

from __future__ import annotations

from typing import Final

from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.model import Column, Question, Values

_SHARES: Final = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
_OF: Final = (
    ("", "seconds", "place", "number"),
    ("first_", "first_chunk", "chunk_place", "chunks"),
)


def _percentiles() -> str:
    """The least value that this share of the values does not exceed: one that was measured."""
    return ", ".join(
        f"min(CASE WHEN {place} >= {share} * {number} THEN {value} END) AS {prefix}{name}"
        for prefix, value, place, number in _OF
        for name, share in _SHARES
    )


def _latency(values: Values) -> str:
    return (
        f"{grouping.keyed(str(values['by']), 'calls')}, "
        "placed AS (SELECT key, seconds, first_chunk, "
        "row_number() OVER (PARTITION BY key ORDER BY seconds) AS place, "
        "count(*) OVER (PARTITION BY key) AS number, "
        "CASE WHEN first_chunk IS NOT NULL THEN row_number() OVER "
        "(PARTITION BY key, first_chunk IS NULL ORDER BY first_chunk) END AS chunk_place, "
        "count(first_chunk) OVER (PARTITION BY key) AS chunks "
        "FROM found WHERE model_call AND error = '') "
        "SELECT key, count(*) AS calls, avg(seconds) AS mean, "
        f"{_percentiles()}, max(seconds) AS slowest, count(first_chunk) AS streams "
        "FROM placed GROUP BY key ORDER BY p90 DESC, key {limit}"
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
