"""Columns that many questions have."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from otelier.questions.model import Column

TIME: Final = Column("time", "time", "when it began")
TRACE: Final = Column("trace_id", "text", "the trace that it is in", hidden=True)
SPAN: Final = Column("span_id", "text", "its span")
IDS: Final = (TRACE, SPAN)
SESSION: Final = Column("session", "text", "its session")
CONVERSATION: Final = Column("conversation", "text", "its conversation", hidden=True)
USER: Final = Column("user", "text", "its user")
TENANT: Final = Column("tenant", "text", "its tenant", hidden=True)
NAME: Final = Column("name", "text", "the operation and what it is of")
OPERATION: Final = Column("operation", "text", "what was done", hidden=True)
PROVIDER: Final = Column("provider", "text", "who was asked", hidden=True)
MODEL: Final = Column("model", "text", "the model that was asked for", hidden=True)
STATUS: Final = Column("status", "text", "ok, error, or how it was left early")
ERROR: Final = Column("error", "text", "the type of its failure")
SECONDS: Final = Column("seconds", "float", "how long it took", "s")
COST: Final = Column("cost", "float", "what it cost, where that is known", "USD", optional=True)


_LABELS: Final = {"cache_read_tokens": "cached", "cache_write_tokens": "written"}


def tokens(name: str, what: str, hidden: bool = False) -> Column:
    """A number of tokens, where it was told."""
    label = _LABELS.get(name, name.removesuffix("_tokens"))
    return Column(name, "int", what, "tokens", optional=True, hidden=hidden, label=label)


def summed(column: Column) -> Column:
    """A sum, in which calls may be missing that ``MISSING`` counts."""
    counts = MISSING if column.unit == "USD" else MISSING[1:]
    return replace(column, missing=tuple(each.name for each in counts))


INPUT: Final = tokens("input_tokens", "tokens that it read, cached ones included")
OUTPUT: Final = tokens("output_tokens", "tokens that it wrote")
CACHE_READ: Final = tokens("cache_read_tokens", "tokens read from the cache", hidden=True)
CACHE_WRITE: Final = tokens("cache_write_tokens", "tokens written to the cache", hidden=True)
TOKENS: Final = (INPUT, OUTPUT, CACHE_READ, CACHE_WRITE)
# Of sums: what is missing in them.
UNPRICED: Final = Column(
    "unpriced", "int", "calls that told tokens and whose price is not known: not in the cost"
)
UNCOUNTED: Final = Column(
    "uncounted", "int", "calls that did not tell what they used: in no sum", hidden=True
)
MISSING: Final = (UNPRICED, UNCOUNTED)
# Sums of what was paid for.
PAID: Final = summed(
    Column("cost", "float", "what was paid, as far as prices are known", "USD", optional=True)
)
USED: Final = (
    summed(tokens("input_tokens", "tokens read, cached ones included")),
    summed(tokens("output_tokens", "tokens written")),
    summed(tokens("cache_read_tokens", "tokens read from the cache")),
    summed(tokens("cache_write_tokens", "tokens written to the cache", hidden=True)),
)
CALLS: Final = Column("calls", "int", "model calls")
ERRORS: Final = Column("errors", "int", "how many of them failed")
FAILURES: Final = Column("errors", "int", "failures of models, tools and others")
