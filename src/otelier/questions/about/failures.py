"""Questions for what failed, and for tools."""

from __future__ import annotations

from typing import Final

from otelier.questions import parameters as p
from otelier.questions.model import Column, Question

ERRORS: Final = Question(
    "errors",
    "Error",
    "Failures by type, with what the last one said.\n\n"
    "By operation, model and tool, too; the most frequent first. "
    "With ``models`` only failed calls of models.",
    'errors(since="24h")',
    (
        *p.ALL,
        p.OPERATION,
        p.flag("models", "only calls of models", "model_call"),
        p.limit(50),
    ),
    (
        Column("error", "text", "the type of the failure"),
        Column("count", "int", "how often"),
        Column("message", "text", "what the last one said"),
        Column("operation", "text", "what was done"),
        Column("model", "text", "the model that was asked for"),
        Column("tool", "text", "the tool that was run", hidden=True),
        Column("last", "time", "when the last one began"),
        Column("trace_id", "text", "the last one's trace", hidden=True),
        Column("span_id", "text", "the last one's span"),
    ),
    # Each group's last row tells of it.
    "WITH failed AS (SELECT error, operation, model, tool, time, trace_id, span_id, "
    "count(*) OVER (PARTITION BY error, operation, model, tool) AS number, "
    "row_number() OVER (PARTITION BY error, operation, model, tool ORDER BY time DESC) AS back "
    "FROM otelier.calls WHERE status = 'error' AND {filters}), "
    "newest AS (SELECT * FROM failed WHERE back = 1 ORDER BY number DESC, time DESC {limit}), "
    "messages AS (SELECT trace_id, span_id, max(status_message) AS message FROM otelier.spans "
    "WHERE trace_id IN (SELECT trace_id FROM newest) GROUP BY trace_id, span_id) "
    "SELECT newest.error AS error, newest.operation AS operation, newest.model AS model, "
    "newest.tool AS tool, newest.number AS count, newest.time AS last, "
    "messages.message AS message, newest.trace_id AS trace_id, newest.span_id AS span_id "
    "FROM newest LEFT JOIN messages ON messages.trace_id = newest.trace_id "
    "AND messages.span_id = newest.span_id ORDER BY count DESC, last DESC",
)

TOOLS: Final = Question(
    "tools",
    "Tool",
    "Tools: how often they were run, failed, how long they took.",
    'tools(session="s-01")',
    (*p.PERIOD, p.SESSION, p.CONVERSATION, p.USER, p.TENANT, p.TOOL, p.limit(100)),
    (
        Column("tool", "text", "the tool"),
        Column("runs", "int", "how often it was run"),
        Column("failed", "int", "how many of the runs failed"),
        Column("mean_seconds", "float", "mean time that a run took", "s", label="mean"),
        Column("slowest", "float", "the longest that a run took", "s"),
        Column("last", "time", "when the last run began"),
    ),
    "SELECT tool, count(*) AS runs, sum(error != '') AS failed, avg(seconds) AS mean_seconds, "
    "max(seconds) AS slowest, max(time) AS last "
    "FROM otelier.tool_calls WHERE {filters} GROUP BY tool ORDER BY runs DESC, tool {limit}",
)

QUESTIONS: Final = (ERRORS, TOOLS)
