"""Two sets of calls side by side: versions of a prompt, tags, models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otelier.questions import intervals
from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.asking import bound, filters
from otelier.questions.intervals import Interval
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]
_SIDES: Final = ("a", "b")


@dataclass(frozen=True, slots=True)
class _Mean:
    """A mean over the calls that have a number."""

    name: str
    unit: str
    value: str


_MEANS: Final = (
    _Mean("cost per call", "USD", "CASE WHEN model_call THEN cost END"),
    _Mean("latency", "s", "CASE WHEN model_call AND error = '' THEN seconds END"),
    _Mean("time to first chunk", "s", "CASE WHEN model_call THEN first_chunk END"),
    _Mean("input tokens per call", "tokens", "CASE WHEN model_call THEN input_tokens END"),
    _Mean("output tokens per call", "tokens", "CASE WHEN model_call THEN output_tokens END"),
)


_COLUMNS: Final = (
    "cost, seconds, first_chunk, input_tokens, output_tokens, "
    "model_call, error, unpriced, uncounted"
)


def _found(values: Values, view: str, columns: str) -> str:
    return (
        f"{grouping.keyed(str(values['by']), view, columns)}, "
        "sides AS (SELECT * FROM found WHERE key = :a OR key = :b)"
    )


def _calls(values: Values) -> str:
    """For each side the counts, and of each mean: n, itself, the squared distances from it."""
    # A number may be whole: its mean is none.
    numbers = ", ".join(f"1.0 * {mean.value} AS v{i}" for i, mean in enumerate(_MEANS))
    means = ", ".join(f"avg(v{i}) AS m{i}" for i in range(len(_MEANS)))
    sums = ", ".join(
        f"count(v{i}) AS n{i}, avg(v{i}) AS mean{i}, "
        f"sum((v{i} - m{i}) * (v{i} - m{i})) AS squares{i}"
        for i in range(len(_MEANS))
    )
    return (
        # Calls of models are all paid for, and these have an index of their own.
        f"{_found(values, 'spent', _COLUMNS)}, "
        "told AS (SELECT key, model_call, error, cost, unpriced, uncounted, "
        f"{numbers} FROM sides), "
        f"middles AS (SELECT key AS side, {means} FROM told GROUP BY key) "
        "SELECT key, sum(model_call) AS calls, "
        "sum(CASE WHEN model_call AND error != '' THEN 1 ELSE 0 END) AS failed, "
        "sum(CASE WHEN model_call THEN cost END) AS cost, "
        "sum(CASE WHEN model_call AND unpriced THEN 1 ELSE 0 END) AS unpriced, "
        f"sum(uncounted) AS uncounted, {sums} "
        "FROM told INNER JOIN middles ON middles.side = told.key GROUP BY key"
    )


def _scores(values: Values) -> str:
    return (
        f"{_found(values, 'calls', 'trace_id, span_id')}, "
        "scores AS (SELECT sides.key AS key, judged.evaluation AS evaluation, "
        "judged.score AS score FROM sides INNER JOIN otelier.evaluations AS judged "
        "ON judged.trace_id = sides.trace_id AND judged.span_id = sides.span_id "
        "WHERE judged.score IS NOT NULL), "
        "middles AS (SELECT key AS side, evaluation AS judge, avg(score) AS middle "
        "FROM scores GROUP BY key, evaluation) "
        "SELECT key, evaluation, count(*) AS n, avg(score) AS mean, "
        "sum((score - middle) * (score - middle)) AS squares "
        "FROM scores INNER JOIN middles "
        "ON middles.side = scores.key AND middles.judge = scores.evaluation "
        "GROUP BY key, evaluation ORDER BY evaluation"
    )


def _fold(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    if not rows:
        return
    sides = {str(row["key"]): row for row in rows}
    told = [sides.get(str(values[side])) for side in _SIDES]
    yield _plain("calls", "", told, "calls")
    yield _plain("cost", "USD", told, "cost")
    yield _line("error rate", "share", [_rate(row) for row in told])
    for i, mean in enumerate(_MEANS):
        found = [_mean(row, f"n{i}", f"mean{i}", f"squares{i}", 0.0) for row in told]
        yield _line(mean.name, mean.unit, found)
    query = _scores(values).format(filters=filters(COMPARE.parameters, values))
    judged: dict[str, dict[str, Row]] = {}
    for row in engine.ask(query, bound(query, values)).dicts():
        judged.setdefault(str(row["evaluation"]), {})[str(row["key"])] = row
    for evaluation, by_key in judged.items():
        scored = [by_key.get(str(values[side])) for side in _SIDES]
        found = [_mean(row, "n", "mean", "squares") for row in scored]
        yield _line(f"score of {evaluation}", "", found)


def _plain(name: str, unit: str, told: Sequence[Row | None], column: str) -> Row:
    """A number that is counted, not estimated."""
    line = dict(_line(name, unit, [None, None]))
    for side, row in zip(_SIDES, told, strict=True):
        if row is not None:
            line[side] = row[column]
            line[f"{side}_n"] = int(row["calls"])
            missing = int(row["unpriced"]) + int(row["uncounted"])
            line[f"{side}_unpriced"] = missing if unit == "USD" else 0
    return line


def _rate(row: Row | None) -> Interval | None:
    if row is None:
        return None
    return intervals.share(int(row["failed"]), int(row["calls"]))


def _mean(
    row: Row | None, n: str, mean: str, squares: str, least: float = -math.inf
) -> Interval | None:
    if row is None:
        return None
    return intervals.mean(int(row[n]), row[mean], row[squares], least)


def _line(name: str, unit: str, found: Iterable[Interval | None]) -> Row:
    line: dict[str, Any] = {"measure": name, "unit": unit}
    for side, interval in zip(_SIDES, found, strict=True):
        line |= {
            side: interval and interval.value,
            f"{side}_low": interval and interval.low,
            f"{side}_high": interval and interval.high,
            f"{side}_n": interval.n if interval else 0,
            f"{side}_unpriced": 0,
        }
    return line


def _side(name: str, which: str) -> tuple[Column, ...]:
    return (
        Column(
            name,
            "float",
            f"what it is of the {which}",
            optional=True,
            missing=(f"{name}_unpriced",),
        ),
        Column(f"{name}_low", "float", "where its 95 % interval begins", optional=True),
        Column(f"{name}_high", "float", "where its 95 % interval ends", optional=True),
        Column(f"{name}_n", "int", "of how many calls or scores it is told"),
        Column(f"{name}_unpriced", "int", "calls that are missing in a cost", hidden=True),
    )


COMPARE: Final = Question(
    "compare",
    "Comparison",
    "Two tags, versions of a prompt or models side by side.\n\n"
    "Calls, cost, errors, latency, tokens, and scores of evaluations. "
    "By tag, by version of one prompt (``prompt`` says which), or by what else calls can be "
    "summed by. With 95 % intervals: of shares by Wilson, of means by Student's t.",
    'compare("1", "2", by="prompt_version", prompt="research")',
    (
        Parameter("a", "text", "the one", required=True, subject=True),
        Parameter("b", "text", "the other", required=True, subject=True),
        grouping.by("tag", "prompt_version"),
        p.PROMPT,
        *p.ALL,
    ),
    (
        Column("measure", "text", "what is compared"),
        Column("unit", "text", "of what unit the numbers are"),
        *_side("a", "one"),
        *_side("b", "other"),
    ),
    _calls,
    _fold,
)

QUESTIONS: Final = (COMPARE,)
