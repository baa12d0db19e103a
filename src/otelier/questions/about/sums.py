"""Questions for sums: cost, tokens, sessions, the cache, prices that are missing."""

from __future__ import annotations

from typing import Final

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about import grouping
from otelier.questions.model import Column, Parameter, Question, Values

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
        f"{grouping.keyed(by, 'spent')}, "
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


def _threads(values: Values, of: str) -> str:
    """Sums by session or conversation: of its calls, and of those of them that were paid for."""
    told = f"seen.thread AS {of}" + (", seen.one AS session" if of == "conversation" else "")
    dear = values["order"] == "cost"
    # First which ones, so that only their calls are read.
    view, by = ("spent", "sum(spent.cost)") if dear else ("calls", "max(time)")
    return (
        f"WITH page AS (SELECT {of} AS thread, tenant AS whose, {by} AS rank "
        f"FROM otelier.{view} AS {view} WHERE {of} != '' AND {{filters}} "
        f"GROUP BY {of}, tenant ORDER BY rank DESC NULLS LAST, thread {{limit}}), "
        f"own AS (SELECT * FROM otelier.calls WHERE {of} IN (SELECT thread FROM page) "
        "AND {filters}), "
        f"paid AS (SELECT * FROM otelier.spent WHERE {of} IN (SELECT thread FROM page) "
        "AND {filters}), "
        f"seen AS (SELECT tenant, {of} AS thread, max(session) AS one, "
        "count(DISTINCT CASE WHEN user != '' THEN user END) AS users, max(user) AS user, "
        "min(time) AS first, max(time) AS last, count(DISTINCT trace_id) AS traces, "
        "sum(model_call) AS calls, sum(error != '') AS errors "
        f"FROM own GROUP BY tenant, {of}), "
        f"sums AS (SELECT tenant, {of} AS thread, sum(cost) AS cost, "
        "sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, "
        "sum(unpriced) AS unpriced, sum(uncounted) AS uncounted "
        f"FROM paid GROUP BY tenant, {of}) "
        f"SELECT {told}, seen.tenant AS tenant, "
        "seen.users AS users, seen.user AS user, seen.first AS first, seen.last AS last, "
        "seen.traces AS traces, seen.calls AS calls, seen.errors AS errors, sums.cost AS cost, "
        "sums.input_tokens AS input_tokens, sums.output_tokens AS output_tokens, "
        "coalesce(sums.unpriced, 0) AS unpriced, coalesce(sums.uncounted, 0) AS uncounted "
        "FROM page INNER JOIN seen ON seen.thread = page.thread AND seen.tenant = page.whose "
        "LEFT JOIN sums ON sums.thread = page.thread AND sums.tenant = page.whose "
        f"ORDER BY page.rank DESC NULLS LAST, {of}"
    )


_THREAD: Final = (
    c.TENANT,
    Column("users", "int", "how many users took part", hidden=True),
    Column("user", "text", "one of its users"),
    Column("first", "time", "when its first call began"),
    Column("last", "time", "when its last call began", hidden=True),
    Column("traces", "int", "traces"),
    c.CALLS,
    c.FAILURES,
    c.PAID,
    *c.MISSING,
    *c.USED[:2],
)
_ORDER: Final = Parameter("order", "text", "what comes first", "last", choices=("last", "cost"))

SESSIONS: Final = Question(
    "sessions",
    "Session",
    "Sessions with their calls, tokens and cost; the last ones or the dearest first.",
    'sessions(order="cost", limit=10)',
    (_ORDER, *p.PERIOD, p.SESSION, p.USER, p.TENANT, p.TAG, p.limit(50)),
    (Column("session", "text", "the session"), *_THREAD),
    lambda values: _threads(values, "session"),
    budget={"limit": 0},
)

CONVERSATIONS: Final = Question(
    "conversations",
    "Conversation",
    "Conversations with their calls, tokens and cost; the last ones or the dearest first.",
    'conversations(user="ada")',
    (_ORDER, *p.PERIOD, *p.WHOSE, p.limit(50)),
    (
        Column("conversation", "text", "the conversation"),
        Column("session", "text", "one of its sessions"),
        *_THREAD,
    ),
    lambda values: _threads(values, "conversation"),
)

UNPRICED: Final = Question(
    "unpriced",
    "Unpriced",
    "Models whose price is not known.\n\nTheir calls told tokens, and are in no sum of costs.",
    'unpriced(since="7d")',
    (*p.PERIOD, p.SERVICE, p.TENANT, p.limit(100)),
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

QUESTIONS: Final = (COSTS, SESSIONS, CONVERSATIONS, UNPRICED)
