"""Questions for calls one by one."""

from __future__ import annotations

from typing import Final

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.model import Column, Question

_CALL: Final = (
    c.TIME,
    c.NAME,
    c.STATUS,
    c.SECONDS,
    c.COST,
    *c.TOKENS,
    c.SESSION,
    c.USER,
    c.TENANT,
    c.CONVERSATION,
    c.OPERATION,
    c.PROVIDER,
    c.MODEL,
    Column("response_model", "text", "the model that answered", hidden=True),
    Column("service", "text", "the program's service.name", hidden=True),
    Column("agent", "text", "the agent that the span names", hidden=True),
    Column("tool", "text", "the tool that was run", hidden=True),
    Column("data_source", "text", "what was searched", hidden=True),
    Column("error", "text", "the type of its failure", hidden=True),
    Column("first_chunk", "float", "time to the first chunk", "s", optional=True, hidden=True),
    Column("tags", "list", "its tags", hidden=True),
    Column("prompt", "text", "the prompt that it is made of", hidden=True),
    Column("prompt_version", "text", "the prompt's version", hidden=True),
    Column("task", "text", "its task", hidden=True),
    Column("finish_reasons", "list", "why each answer ended", hidden=True),
    Column("response_id", "text", "the answer's id", hidden=True),
    Column("request_id", "text", "the provider's id of the request", hidden=True),
    c.TRACE,
    c.SPAN,
    Column("parent_id", "text", "the span above", hidden=True),
)
_NAMES: Final = ", ".join(column.name for column in _CALL)

CALLS: Final = Question(
    "calls",
    "Call",
    "The newest calls: of models, tools, retrievals, agents.\n\n"
    "Conditions may be combined. With ``unpriced`` only calls whose price is not known, with "
    "``cached`` only those that read from the cache.",
    'calls(session="s-01", status="error", limit=5)',
    (
        *p.ALL,
        p.OPERATION,
        p.STATUS,
        p.ERROR,
        p.AGENT,
        p.TOOL,
        p.PROMPT,
        p.TASK,
        p.flag("models", "only calls of models", "model_call"),
        p.flag("cached", "only what read from the cache", "cache_read_tokens > 0"),
        p.flag("unpriced", "only calls whose price is not known", "unpriced"),
        p.limit(20),
    ),
    _CALL,
    f"SELECT {_NAMES} FROM otelier.calls WHERE {{filters}} ORDER BY time DESC {{limit}}",
    follows=True,
)

DEAREST: Final = Question(
    "dearest",
    "DearCall",
    "The dearest calls, as far as prices are known.",
    'dearest(since="7d", limit=10)',
    (*p.ALL, p.limit(10)),
    (c.COST, *(column for column in _CALL if column.name != "cost")),
    f"SELECT {_NAMES} FROM otelier.spent "
    "WHERE cost IS NOT NULL AND {filters} ORDER BY cost DESC, time {limit}",
)

QUESTIONS: Final = (CALLS, DEAREST)
