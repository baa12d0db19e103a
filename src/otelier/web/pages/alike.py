"""Calls that a call can be compared with: earlier ones of its kind, the nearest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from otelier import semconv
from otelier.questions import moments
from otelier.questions.asking import one_of
from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan
from otelier.viewer import names
from otelier.viewer.facts import text
from otelier.viewer.forest import Node
from otelier.web.shown.about import moment
from otelier.web.shown.tree import Nodes

# Calls before it that are looked at; those of its kind whose place in their traces is; and what
# is told of these.
_CALLS: Final = 5_000
_CANDIDATES: Final = 60
_TOLD: Final = 20
# More steps than this above a call are of a broken trace.
_HIGHEST: Final = 200

# Several may have begun at one time.
_NEWEST: Final = "time DESC, trace_id DESC, span_id DESC"
_EARLIER: Final = (
    "SELECT trace_id, span_id, time, name, model, cost, seconds, input_tokens, output_tokens, "
    "conversation, status FROM (SELECT * FROM otelier.calls WHERE time < :time "
    f"ORDER BY {_NEWEST} LIMIT {_CALLS}) AS own WHERE operation = :operation AND {{filter}} "
    f"ORDER BY {_NEWEST} LIMIT {_CANDIDATES}"
)
_ABOVE: Final = (
    "WITH RECURSIVE up AS ("
    "SELECT trace_id, span_id AS call, parent_id AS above, name, operation, "
    "CAST(0 AS INTEGER) AS height FROM otelier.spans WHERE {traces} AND {spans} "
    "UNION ALL "
    "SELECT up.trace_id, up.call, higher.parent_id, higher.name, higher.operation, "
    "CAST(up.height + 1 AS INTEGER) "
    "FROM up INNER JOIN otelier.spans AS higher "
    "ON higher.trace_id = up.trace_id AND higher.span_id = up.above "
    f"WHERE up.above != '' AND up.height < {_HIGHEST}"
    ") SELECT trace_id, call, name, operation FROM up ORDER BY trace_id, call, height"
)

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """An earlier call."""

    trace_id: str
    span_id: str
    time: datetime
    name: str
    model: str
    cost: float | None
    seconds: float
    input_tokens: int | None
    output_tokens: int | None
    status: str
    same_trace: bool
    same_path: bool
    same_conversation: bool


def earlier(engine: Engine, found: Nodes, at: int) -> list[Alike]:
    """Calls before one that stand where it does in their traces, or are of its conversation."""
    span = found[at][0].span
    operation = text(span.attributes, semconv.OPERATION_NAME)
    began = moment(span.start_ns)
    if not operation or began is None:
        return []
    counted = operation in names.COUNTED
    candidates = list(
        engine.ask(
            _EARLIER.format(filter="1 = 1" if counted else "name = :name"),
            {"time": began, "operation": operation, "name": span.name},
        ).dicts()
    )
    paths = _paths(engine, candidates)
    own = _path(found, at)
    conversation = text(span.attributes, semconv.CONVERSATION_ID)
    alike = [
        _alike(row, span, paths.get((row["trace_id"], row["span_id"])) == own, conversation)
        for row in candidates
    ]
    return [each for each in alike if each.same_path or each.same_conversation][:_TOLD]


def nearest(alike: Iterable[Alike]) -> Alike | None:
    """The one that says most: of the same place and conversation, or else of one of these."""
    best: Alike | None = None
    for each in alike:
        if best is None or _rank(each) > _rank(best):
            best = each
    return best


def _rank(each: Alike) -> tuple[bool, bool]:
    return (each.same_path and each.same_conversation, each.same_path)


def _alike(row: Mapping[str, Any], span: StoredSpan, same_path: bool, conversation: str) -> Alike:
    return Alike(
        row["trace_id"],
        row["span_id"],
        moments.read(row["time"]),
        row["name"],
        row["model"],
        row["cost"],
        row["seconds"],
        row["input_tokens"],
        row["output_tokens"],
        row["status"],
        row["trace_id"] == span.trace_id,
        same_path,
        bool(conversation) and row["conversation"] == conversation,
    )


def _path(found: Nodes, at: int) -> Path:
    """The names from a step up to the root."""
    told: list[str] = []
    node: Node | None = found[at][0]
    while node is not None and len(told) <= _HIGHEST:
        told.append(_name(node.span.name, text(node.span.attributes, semconv.OPERATION_NAME)))
        node = node.parent
    return tuple(told)


def _paths(engine: Engine, candidates: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Path]:
    """The same of calls in other traces."""
    ids = [(row["trace_id"], row["span_id"]) for row in candidates]
    if not ids:
        return {}
    traces, given_traces = one_of("trace_id", dict.fromkeys(trace_id for trace_id, _ in ids))
    spans, given_spans = one_of("span_id", dict.fromkeys(span_id for _, span_id in ids))
    query = _ABOVE.format(traces=traces, spans=spans)
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for trace_id, call, name, operation in engine.ask(query, given_traces | given_spans).rows:
        told[trace_id, call].append(_name(name, operation))
    return {each: tuple(path) for each, path in told.items()}


def _name(name: str, operation: str) -> str:
    """What a step is called wherever it runs: of a model call not which model it is."""
    return operation if operation in names.COUNTED else name
