"""Questions for tools that were run, and for what was searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv
from otelier.questions import columns as c
from otelier.questions import moments
from otelier.questions import parameters as p
from otelier.questions.about.details import Place, attributes, data, messages, place, portions
from otelier.questions.about.newest import CURSOR, PLACE, newest
from otelier.questions.asking import bound, filters, one_of
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]

# Runs and searches that are looked at together.
_PORTION: Final = 20
_ORDERS: Final = {
    "runs": "runs DESC",
    "failed": "failed DESC, runs DESC",
    "slowest": "slowest DESC",
    "last": "last DESC",
}
_ORDER: Final = Parameter("order", "text", "what comes first", "runs", choices=tuple(_ORDERS))


# --- tools and sources in sums ----------------------------------------------------------------

_SUMS: Final = (
    "SELECT {of}, count(*) AS {runs}, sum(error != '') AS failed, avg(seconds) AS mean_seconds, "
    "max(seconds) AS slowest, max(time) AS last FROM otelier.calls "
    "WHERE operation = '{operation}' AND {{filters}} GROUP BY {of}"
)
# Bytes of what was recorded, without runs of which nothing was.
_SIZES: Final = (
    "WITH ran AS (SELECT tool, trace_id, span_id FROM otelier.calls "
    f"WHERE operation = '{semconv.EXECUTE_TOOL}' AND {{filters}}) "
    "SELECT ran.tool AS of, "
    "avg(CASE WHEN told.arguments != '' THEN length(CAST(told.arguments AS BLOB)) END) "
    "AS argument_bytes, "
    "avg(CASE WHEN told.result != '' THEN length(CAST(told.result AS BLOB)) END) AS result_bytes, "
    "max(CASE WHEN told.result != '' THEN length(CAST(told.result AS BLOB)) END) AS largest "
    "FROM ran INNER JOIN otelier.tool_calls AS told "
    "ON told.trace_id = ran.trace_id AND told.span_id = ran.span_id GROUP BY ran.tool"
)


def _tools(values: Values) -> str:
    sums = _SUMS.format(of="tool", runs="runs", operation=semconv.EXECUTE_TOOL)
    return f"{sums} ORDER BY {_ORDERS[str(values['order'])]}, tool {{limit}}"


def _sized(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    sizes = {row["of"]: row for row in _sizes(engine, values)} if values["sizes"] else {}
    for row in rows:
        told = sizes.get(row["tool"], {})
        yield {
            **row,
            "argument_bytes": _rounded(told.get("argument_bytes")),
            "result_bytes": _rounded(told.get("result_bytes")),
            "largest": told.get("largest"),
        }


def _sizes(engine: Engine, values: Values) -> Iterable[Row]:
    where = filters(TOOLS.parameters, values)
    if engine.dialect == "sqlite":
        from otelier.store.sizes import sizes

        return sizes(engine, where, bound(where, values))
    query = _SIZES.format(filters=where)
    return engine.ask(query, bound(query, values)).dicts()


def _rounded(size: float | None) -> int | None:
    return None if size is None else round(size)


def _sources(values: Values) -> str:
    sums = _SUMS.format(of="data_source", runs="searches", operation=semconv.RETRIEVAL)
    order = _ORDERS[str(values["order"])].replace("runs", "searches")
    return f"{sums} ORDER BY {order}, data_source {{limit}}"


# --- runs of tools ----------------------------------------------------------------------------

_RUNS: Final = (
    "SELECT time, trace_id, span_id, tool, status, error, seconds, service, session, user, tenant, "
    f"conversation FROM otelier.calls WHERE operation = '{semconv.EXECUTE_TOOL}' AND "
)
_GIVEN: Final = (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS)
_GAVE: Final = (semconv.TOOL_CALL_RESULT, semconv.RESULT)
_CALLERS: Final = (
    "SELECT trace_id, span_id, model, time, seconds FROM otelier.calls "
    "WHERE {traces} AND model_call ORDER BY time"
)
_ANSWERS: Final = (
    "SELECT trace_id, span_id, message FROM otelier.messages "
    "WHERE {traces} AND {spans} AND direction = 'output' AND instr(message, 'tool_call') > 0"
)
# Model calls before a run that may have asked for it.
_BEFORE: Final = 8


def _runs(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    found = newest(engine, _RUNS + filters(RUNS.parameters, values), values)
    for portion in portions(islice(found, int(str(values["limit"])) or None), _PORTION):
        told = attributes(engine, map(place, portion), (*_GIVEN, *_GAVE, semconv.TOOL_CALL_ID))
        said = messages(engine, (place(row) for row in portion if row["error"]))
        runs = [_run(row, told.get(place(row), {}), said) for row in portion]
        callers = _callers(engine, runs)
        for run in runs:
            model, span_id = callers.get(place(run), ("", ""))
            yield {**run, "model": model, "asked_by": span_id}


def _run(row: Row, told: Mapping[str, str], said: Mapping[Place, str]) -> Row:
    return {
        **row,
        "message": said.get(place(row), ""),
        "arguments": data(_first(told, _GIVEN)),
        "result": data(_first(told, _GAVE)),
        "call_id": told.get(semconv.TOOL_CALL_ID, ""),
    }


def _first(told: Mapping[str, str], names: Iterable[str]) -> str:
    return next((told[name] for name in names if told.get(name)), "")


def _callers(engine: Engine, runs: Sequence[Row]) -> dict[Place, tuple[str, str]]:
    """By run the model and the call whose answer asked for it, where an answer shows that."""
    before = _before(engine, runs)
    asked = _asked(engine, {at for places in before.values() for at, _ in places})
    found: dict[Place, tuple[str, str]] = {}
    for run in runs:
        for at, model in before[place(run)]:
            if any(_is_for(part, run) for part in asked.get(at, ())):
                found[place(run)] = (model, at[1])
                break
    return found


def _is_for(part: Row, run: Row) -> bool:
    """Whether a call in an answer is the run's: by its id, or else by what it asks for."""
    if run["call_id"]:
        return bool(part.get("id") == run["call_id"])
    given = part.get("arguments")
    asked = data(given) if isinstance(given, str) else given
    return part.get("name") == run["tool"] and asked is not None and asked == run["arguments"]


def _before(engine: Engine, runs: Sequence[Row]) -> dict[Place, list[tuple[Place, str]]]:
    """By run the last model calls of its trace that were over when it began, the last first."""
    traces, given = one_of("trace_id", dict.fromkeys(run["trace_id"] for run in runs))
    calls: dict[str, list[tuple[datetime, Row]]] = {}
    for row in engine.ask(_CALLERS.format(traces=traces), given).dicts():
        end = moments.later(moments.read(str(row["time"])), row["seconds"])
        calls.setdefault(row["trace_id"], []).append((end, row))
    found = {}
    for run in runs:
        began = moments.read(str(run["time"]))
        over = [(end, row) for end, row in calls.get(run["trace_id"], ()) if end <= began]
        over.sort(key=lambda each: each[0], reverse=True)
        found[place(run)] = [(place(row), str(row["model"])) for _, row in over[:_BEFORE]]
    return found


def _asked(engine: Engine, places: Iterable[Place]) -> dict[Place, list[Row]]:
    """By model call the calls of tools in its answer."""
    from otelier.viewer.facts import objects

    found: dict[Place, list[Row]] = {}
    for portion in portions(places, _PORTION * _BEFORE):
        traces, given = one_of("trace_id", dict.fromkeys(of for of, _ in portion))
        spans, more = one_of("span_id", dict.fromkeys(own for _, own in portion))
        query = _ANSWERS.format(traces=traces, spans=spans)
        for row in engine.ask(query, {**given, **more}).dicts():
            for message in objects(data(row["message"])):
                parts = objects(message.get("parts"))
                calls = [part for part in parts if part.get("type") == "tool_call"]
                found.setdefault(place(row), []).extend(calls)
    return found


# --- searches ---------------------------------------------------------------------------------

_SEARCHES: Final = (
    "SELECT time, trace_id, span_id, data_source, status, error, seconds, session, user, tenant, "
    f"conversation FROM otelier.calls WHERE operation = '{semconv.RETRIEVAL}' AND "
)


def _retrievals(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    found = newest(engine, _SEARCHES + filters(RETRIEVALS.parameters, values), values)
    keys = (semconv.RETRIEVAL_QUERY, semconv.RETRIEVAL_DOCUMENTS)
    for portion in portions(islice(found, int(str(values["limit"])) or None), _PORTION):
        told = attributes(engine, map(place, portion), keys)
        said = messages(engine, (place(row) for row in portion if row["error"]))
        for row in portion:
            known = told.get(place(row), {})
            yield {
                **row,
                "message": said.get(place(row), ""),
                "query": known.get(semconv.RETRIEVAL_QUERY, ""),
                "documents": _number(data(known.get(semconv.RETRIEVAL_DOCUMENTS, ""))),
            }


def _number(documents: Any) -> int | None:
    return len(documents) if isinstance(documents, list) else None


_WHOSE: Final = (*p.PERIOD, *p.WHOSE, p.SERVICE)
_FAILED: Final = p.flag("failed", "only those that failed", "error != ''")
_SOURCE: Final = p.text("data_source", "only of this data source")
_MESSAGE: Final = Column("message", "text", "what its failure said", hidden=True)
_TIMES: Final = (
    Column("failed", "int", "how many of them failed"),
    Column("mean_seconds", "float", "mean of the time that one took", "s", label="mean"),
    Column("slowest", "float", "the longest that one took", "s"),
    Column("last", "time", "when the last one began"),
)

TOOLS: Final = Question(
    "tools",
    "Tool",
    "Tools: how often they were run, failed, how long they took.\n\n"
    "With ``sizes`` also how much they were given and gave, where that was recorded.",
    'tools(session="s-01", order="failed")',
    (
        _ORDER,
        *_WHOSE,
        p.TOOL,
        Parameter("sizes", "bool", "with the sizes of arguments and results", False),
        p.limit(100),
    ),
    (
        Column("tool", "text", "the tool"),
        Column("runs", "int", "how often it was run"),
        *_TIMES,
        Column("argument_bytes", "int", "mean size of arguments", "bytes", True, hidden=True),
        Column("result_bytes", "int", "mean size of results", "bytes", True, hidden=True),
        Column("largest", "int", "size of the largest result", "bytes", True, hidden=True),
    ),
    _tools,
    _sized,
)

RUNS: Final = Question(
    "runs",
    "Run",
    "Runs of tools, the newest first: what each was given and gave, and which model asked for "
    "it.\n\nFor the next page ask again with the last row's ``cursor``.",
    'runs(tool="search_orders", failed=True)',
    (*_WHOSE, p.TOOL, _FAILED, CURSOR, p.limit(20)),
    (
        c.TIME,
        Column("tool", "text", "the tool"),
        c.STATUS,
        c.ERROR,
        c.SECONDS,
        _MESSAGE,
        Column("arguments", "data", "what it was given"),
        Column("result", "data", "what it gave"),
        Column("model", "text", "the model that asked for it, where its answer shows that"),
        Column("asked_by", "text", "that model call's span", hidden=True),
        Column("call_id", "text", "the id that the model gave the call", hidden=True),
        Column("service", "text", "the program's service.name", hidden=True),
        c.SESSION,
        c.USER,
        c.TENANT,
        c.CONVERSATION,
        PLACE,
        *c.IDS,
    ),
    None,
    _runs,
)

SOURCES: Final = Question(
    "sources",
    "Source",
    "Data sources: how often they were searched, failed, how long that took.",
    'sources(order="failed", since="7d")',
    (_ORDER, *_WHOSE, _SOURCE, p.limit(100)),
    (
        Column("data_source", "text", "what was searched"),
        Column("searches", "int", "how often"),
        *_TIMES,
    ),
    _sources,
)

RETRIEVALS: Final = Question(
    "retrievals",
    "Retrieval",
    "The newest retrievals; with ``failed`` only those that failed.\n\n"
    "For the next page ask again with the last row's ``cursor``.",
    'retrievals(failed=True, since="7d")',
    (*_WHOSE, _SOURCE, _FAILED, CURSOR, p.limit(50)),
    (
        c.TIME,
        Column("data_source", "text", "what was searched"),
        Column("query", "text", "for what"),
        c.STATUS,
        c.ERROR,
        c.SECONDS,
        _MESSAGE,
        Column("documents", "int", "how many documents were found", optional=True),
        c.SESSION,
        c.USER,
        c.TENANT,
        c.CONVERSATION,
        PLACE,
        *c.IDS,
    ),
    None,
    _retrievals,
)

QUESTIONS: Final = (TOOLS, RUNS, SOURCES, RETRIEVALS)
