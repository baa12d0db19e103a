"""What providers' caches of prompts did."""

from __future__ import annotations

from typing import Final

from otelier import semconv
from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.model import Column, Question, Values

_COLUMNS: Final = "trace_id, span_id, input_tokens, cache_read_tokens, cache_write_tokens"
_PARTS: Final = {
    "paid_in": semconv.COST_INPUT,
    "paid_read": semconv.COST_CACHE_READ,
    "paid_written": semconv.COST_CACHE_WRITE,
}
# Tokens that went in and neither came from the cache nor went into it. Their part of the cost tells
# what a token costs without a cache.
_PLAIN: Final = "(found.input_tokens - coalesce(read_tokens, 0) - coalesce(written_tokens, 0))"
_SAVED: Final = (
    f"CASE WHEN {_PLAIN} > 0 AND paid_in IS NOT NULL "
    # A call that does not tell what its cache cost was priced in another way.
    "AND (coalesce(read_tokens, 0) = 0 OR paid_read IS NOT NULL) "
    "AND (coalesce(written_tokens, 0) = 0 OR paid_written IS NOT NULL) "
    f"THEN paid_in / {_PLAIN} * (coalesce(read_tokens, 0) + coalesce(written_tokens, 0)) "
    "- coalesce(paid_read, 0) - coalesce(paid_written, 0) END"
)


def _cache(values: Values) -> str:
    keys = ", ".join(f"'{key}'" for key in _PARTS.values())
    parts = ", ".join(
        f"max(CASE WHEN key = '{key}' THEN CAST(value AS DOUBLE) END) AS {name}"
        for name, key in _PARTS.items()
    )
    return (
        f"{grouping.keyed(str(values['by']), 'spent', _COLUMNS)}, "
        "used AS (SELECT key, trace_id, span_id, input_tokens, cache_read_tokens AS read_tokens, "
        "cache_write_tokens AS written_tokens FROM found WHERE input_tokens IS NOT NULL), "
        f"parts AS (SELECT trace_id, span_id, {parts} FROM otelier.attributes "
        f"WHERE key IN ({keys}) AND trace_id IN "
        "(SELECT trace_id FROM used WHERE read_tokens > 0 OR written_tokens > 0) "
        "GROUP BY trace_id, span_id), "
        "calls AS (SELECT found.key AS key, found.input_tokens AS tokens, read_tokens, "
        "written_tokens, CASE WHEN read_tokens > 0 OR written_tokens > 0 THEN 1 ELSE 0 END "
        f"AS cached, {_SAVED} AS spared FROM used AS found LEFT JOIN parts "
        "ON parts.trace_id = found.trace_id AND parts.span_id = found.span_id) "
        "SELECT key, count(*) AS calls, sum(CASE WHEN read_tokens > 0 THEN 1 ELSE 0 END) AS hits, "
        "sum(tokens) AS input_tokens, sum(read_tokens) AS cache_read_tokens, "
        "sum(written_tokens) AS cache_write_tokens, "
        "CASE WHEN sum(tokens) > 0 THEN 1.0 * coalesce(sum(read_tokens), 0) / sum(tokens) END "
        "AS share, sum(CASE WHEN cached = 1 THEN spared END) AS saved, "
        "sum(CASE WHEN cached = 1 AND spared IS NULL THEN 1 ELSE 0 END) AS unknown "
        "FROM calls GROUP BY key ORDER BY cache_read_tokens DESC NULLS LAST, key {limit}"
    )


CACHE: Final = Question(
    "cache",
    "Cache",
    "How much of the input came from providers' caches, and what that saved.\n\n"
    "What it saved is what the same tokens would have cost at the call's own price of input, less "
    "what reading and writing the cache cost. It is known of calls whose cost was worked out from "
    "prices and that read something beside the cache; ``unknown`` counts the others.",
    'cache(by="session", since="7d")',
    (grouping.by(), *p.ALL, p.limit(100)),
    (
        grouping.KEY,
        Column("calls", "int", "calls that told what they read"),
        Column("hits", "int", "how many of them read from the cache"),
        c.tokens("input_tokens", "tokens read, cached ones included"),
        c.tokens("cache_read_tokens", "tokens read from the cache"),
        c.tokens("cache_write_tokens", "tokens written to the cache"),
        Column("share", "float", "part of the input that came from the cache", "share", True),
        Column("saved", "float", "what it saved, where that is known", "USD", optional=True),
        Column("unknown", "int", "calls with a cache of which it is not known what it saved"),
    ),
    _cache,
)

QUESTIONS: Final = (CACHE,)
