"""Questions for one trace, and for one call with all that is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv
from otelier.questions import columns as c
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine
    from otelier.store.spans import StoredSpan

# Digits of an id.
_WHOLE: Final = 32
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")

Rows = Sequence[Mapping[str, Any]]


def _trace(values: Values) -> str:
    """The id of the trace that is meant."""
    told = str(values["trace_id"] or "")
    if len(told) == _WHOLE:
        return "SELECT lower(:trace_id) AS trace_id"
    if told:
        return "SELECT min(trace_id) AS trace_id FROM otelier.calls WHERE {filters}"
    return "SELECT trace_id FROM otelier.calls ORDER BY time DESC LIMIT 1"


def _lines(engine: Engine, values: Values, rows: Rows) -> Iterable[Mapping[str, Any]]:
    """The trace that was found, by the view that takes its id."""
    for row in rows:
        # The id is in the text, since a view's parameter cannot be one of the query's everywhere.
        trace_id = str(row["trace_id"])
        if _HEX.fullmatch(trace_id):
            return engine.ask(
                f"SELECT * FROM otelier.trace(trace_id = '{trace_id}') ORDER BY time"
            ).dicts()
    return ()


TRACE: Final = Question(
    "trace",
    "Line",
    "The calls of a trace, each with what is above it.\n\n"
    "Without an id the newest trace. The beginning of an id will do: of several traces that begin "
    "so it is the first by id.",
    'trace("4bf92f35")',
    (
        Parameter(
            "trace_id",
            "text",
            "its id, or how that begins; the newest by default",
            subject=True,
            where="trace_id >= lower(:trace_id) AND trace_id < lower(:trace_id) || 'g'",
        ),
    ),
    (
        Column("depth", "int", "how many calls are above it"),
        Column("path", "text", "the names of all above it and its own, with > between"),
        Column("parent", "text", "the name of the nearest call above", hidden=True),
        c.NAME,
        c.STATUS,
        c.SECONDS,
        c.COST,
        *c.TOKENS,
        c.OPERATION,
        c.MODEL,
        c.ERROR,
        c.TIME,
        c.TRACE,
        c.SPAN,
        Column(
            "parent_id",
            "text",
            "the span above, which may be one of another library's",
            hidden=True,
        ),
    ),
    _trace,
    _lines,
)


def _whole(engine: Engine, values: Values, rows: Rows) -> Iterable[Mapping[str, Any]]:
    """The span that was found, with its attributes."""
    for row in rows:
        spans = engine.trace(str(row["trace_id"]))
        for span in spans:
            if span.span_id == row["span_id"]:
                yield {**row, **_content(span)}
                return


# Columns of what a call was sent and gave, and the attributes that have it.
_CONTENT: Final = {
    "system": (semconv.SYSTEM_INSTRUCTIONS,),
    "input": (semconv.INPUT_MESSAGES,),
    "output": (semconv.OUTPUT_MESSAGES,),
    "tools": (semconv.TOOL_DEFINITIONS,),
    "arguments": (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS),
    "result": (semconv.TOOL_CALL_RESULT, semconv.RESULT),
}
_ELSEWHERE: Final = frozenset(key for keys in _CONTENT.values() for key in keys)


def _content(span: StoredSpan) -> dict[str, Any]:
    return {
        **{name: _first(span, keys) for name, keys in _CONTENT.items()},
        "status_message": span.status_message,
        "attributes": _data({k: v for k, v in span.attributes.items() if k not in _ELSEWHERE}),
        "resource": _data(span.resource.attributes),
        "scope": " ".join(word for word in (span.scope.name, span.scope.version) if word),
        "events": [
            {
                "time": _time(event.time_ns),
                "name": event.name,
                "attributes": _data(event.attributes),
            }
            for event in span.events
        ],
        "links": [
            {
                "trace_id": link.trace_id,
                "span_id": link.span_id,
                "attributes": _data(link.attributes),
            }
            for link in span.links
        ],
    }


def _first(span: StoredSpan, keys: Sequence[str]) -> Any:
    from otelier.viewer.facts import structure

    told = (_data(structure(span.attributes, key)) for key in keys if key in span.attributes)
    return next(told, None)


def _time(ns: int) -> str:
    from otelier.store.rows import moment

    try:
        return f"{moment(ns).replace(' ', 'T')}Z"
    except OverflowError:
        return ""


def _data(value: Any) -> Any:
    """A value of an attribute as JSON can have it."""
    if isinstance(value, Mapping):
        return {str(key): _data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_data(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


CALL: Final = Question(
    "call",
    "Whole",
    "One call whole: request, answer, tools, ids, attributes.\n\n"
    "By the id of its span, of its answer or of the provider's request.",
    'call("chatcmpl-123")[0].input',
    (
        Parameter(
            "id", "text", "id of a span, of an answer or of a request", required=True, subject=True
        ),
    ),
    (
        c.TIME,
        c.NAME,
        Column("kind", "text", "the span's kind"),
        c.SECONDS,
        Column("status_code", "text", "UNSET, OK or ERROR"),
        Column("status_message", "text", "what its failure said"),
        Column("service", "text", "the program's service.name"),
        Column("system", "data", "system instructions"),
        Column("input", "data", "messages that were sent"),
        Column("output", "data", "messages that were answered"),
        Column("tools", "data", "definitions of tools that were sent"),
        Column("arguments", "data", "what a tool, or a function, was given"),
        Column("result", "data", "what it gave"),
        Column("attributes", "data", "all other attributes of the span"),
        Column("events", "data", "its events"),
        Column("links", "data", "its links"),
        Column("resource", "data", "attributes of the program"),
        Column("scope", "text", "the instrumentation that made the span"),
        Column("trace_id", "text", "the trace that it is in"),
        c.SPAN,
        Column("parent_id", "text", "the span above"),
    ),
    # One by one: of several at once no index is used.
    "WITH named AS (SELECT trace_id, span_id, model_call FROM otelier.calls WHERE span_id = :id "
    "UNION ALL "
    "SELECT trace_id, span_id, model_call FROM otelier.calls WHERE response_id = :id "
    "UNION ALL "
    # Where it is not there it is '': the index has only those that are.
    "SELECT trace_id, span_id, model_call FROM otelier.calls "
    "WHERE request_id = :id AND request_id != '' "
    "UNION ALL SELECT trace_id, span_id, 0 AS model_call FROM otelier.spans WHERE span_id = :id), "
    "one AS (SELECT trace_id, span_id, max(model_call) AS model_call FROM named "
    "GROUP BY trace_id, span_id) "
    "SELECT spans.time AS time, spans.name AS name, spans.kind AS kind, spans.seconds AS seconds, "
    "spans.status_code AS status_code, spans.service AS service, spans.trace_id AS trace_id, "
    "spans.span_id AS span_id, spans.parent_id AS parent_id "
    "FROM one INNER JOIN otelier.spans AS spans "
    "ON spans.trace_id = one.trace_id AND spans.span_id = one.span_id "
    "ORDER BY one.model_call DESC, time LIMIT 1",
    _whole,
    shown="whole",
)

QUESTIONS: Final = (TRACE, CALL)
