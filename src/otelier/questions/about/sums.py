"""Questions for sums: cost, tokens, prices that are missing."""

from __future__ import annotations

from typing import Final

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.model import Column, Question, Values

# What sums are made of, and the sums.
COLUMNS: Final = (
    "cost, model_call, error, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, "
    "seconds, unpriced, uncounted"
)
SUMS: Final = (
    "sum(found.cost) AS cost, sum(model_call) AS calls, sum(error != '') AS errors, "
    "sum(found.input_tokens) AS input_tokens, sum(found.output_tokens) AS output_tokens, "
    "sum(found.cache_read_tokens) AS cache_read_tokens, "
    "sum(found.cache_write_tokens) AS cache_write_tokens, "
    "avg(CASE WHEN model_call THEN seconds END) AS mean_seconds, "
    "sum(found.unpriced) AS unpriced, sum(found.uncounted) AS uncounted"
)


def _costs(values: Values) -> str:
    by = str(values["by"])
    # Times in their order, all else by what it cost.
    order = "key" if by in ("day", "hour") else "cost DESC NULLS LAST, calls DESC, key"
    # In ClickHouse a column goes before a sum of its name: the order is of what is summed.
    return (
        f"{grouping.keyed(by, 'spent', COLUMNS)}, "
        f"sums AS (SELECT key, {SUMS} FROM found GROUP BY key) "
        f"SELECT * FROM sums ORDER BY {order} {{limit}}"
    )


COSTS: Final = Question(
    "costs",
    "Cost",
    "Cost, tokens, calls, errors and latency, by model or else.\n\n"
    "``by`` says by what. Nothing is counted twice: agents and workflows repeat what is below "
    "them. By tag a call is in the row of each of its tags. A call is of the agent and the step "
    "that its span names, else of the nearest above it.",
    'costs(by="user", since="24h")',
    (grouping.by(), *p.ALL, p.limit(100)),
    (
        grouping.KEY,
        c.PAID,
        *c.MISSING,
        c.CALLS,
        c.ERRORS,
        *c.USED,
        Column("mean_seconds", "float", "mean of model calls", "s", optional=True, label="mean"),
    ),
    _costs,
    # A call has several tags.
    budget={"by": "provider", "limit": 0},
)


UNPRICED: Final = Question(
    "unpriced",
    "Unpriced",
    "Models whose price is not known.\n\nTheir calls told tokens, and are in no sum of costs.",
    'unpriced(since="7d")',
    (*p.ALL, p.limit(100)),
    (
        Column("provider", "text", "who was asked"),
        Column("model", "text", "the model that was asked for"),
        Column("response_model", "text", "the model that answered"),
        Column("calls", "int", "calls without a price"),
        c.tokens("input_tokens", "tokens that they read"),
        c.tokens("output_tokens", "tokens that they wrote"),
        Column("last", "time", "when the last one began"),
    ),
    "SELECT provider, model, response_model, count(*) AS calls, "
    "sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, max(time) AS last "
    "FROM otelier.spent WHERE unpriced AND {filters} "
    "GROUP BY provider, model, response_model ORDER BY calls DESC, provider, model {limit}",
)

QUESTIONS: Final = (COSTS, UNPRICED)
