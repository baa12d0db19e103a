"""Questions for what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv, wire
from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about.alike import alike
from otelier.questions.about.details import attributes, place, portions
from otelier.questions.about.newest import CURSOR, PLACE, newest
from otelier.questions.about.tries import tries
from otelier.questions.asking import bound, filters
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]

# Failures that are looked at together.
_PORTION: Final = 20
_CALL: Final = (
    "time, trace_id, span_id, parent_id, error, operation, name, model, tool, data_source, "
    "service, seconds, request_id, session, user, tenant, conversation"
)
_FAILED: Final = (
    f"WITH failed AS (SELECT {_CALL} FROM otelier.calls "
    "WHERE status = 'error' AND {filters}{page}), "
)
# What each says, as its span has it. Of a span that is there twice it is told once.
_JOINED: Final = (
    "messages AS (SELECT trace_id, span_id, max(status_message) AS message FROM otelier.spans "
    "WHERE trace_id IN (SELECT trace_id FROM failed) GROUP BY trace_id, span_id), "
    f"told AS (SELECT {', '.join(f'failed.{name} AS {name}' for name in _CALL.split(', '))}, "
    "messages.message AS message FROM failed LEFT JOIN messages "
    "ON messages.trace_id = failed.trace_id AND messages.span_id = failed.span_id) "
)
# SQLite would make a table of all spans of these traces.
_LOOKED_UP: Final = (
    "told AS (SELECT failed.*, (SELECT max(own.status_message) FROM otelier.spans AS own "
    "WHERE own.trace_id = failed.trace_id AND own.span_id = failed.span_id) AS message "
    "FROM failed) "
)
_EQUAL: Final = "error, message, operation, model, tool, data_source, service"
# Each group's last row tells of it.
_GROUPS: Final = (
    ", numbered AS (SELECT *, "
    f"count(*) OVER (PARTITION BY {_EQUAL}) AS number, "
    f"min(time) OVER (PARTITION BY {_EQUAL}) AS first, "
    f"row_number() OVER (PARTITION BY {_EQUAL} ORDER BY time DESC, trace_id, span_id) AS back "
    "FROM told) "
    "SELECT * FROM numbered WHERE back = 1"
)


def _said(engine: Engine) -> str:
    """A WITH list that ends in ``told``: failures, each with what it says."""
    return _FAILED + (_LOOKED_UP if engine.dialect == "sqlite" else _JOINED)


# --- the same in one row ----------------------------------------------------------------------

# Columns that list what the failures of a row are of, and where that stands.
_OF: Final = {
    "models": "model",
    "tools": "tool",
    "sources": "data_source",
    "services": "service",
}


def _errors(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    query = (_said(engine).rstrip() + _GROUPS).replace("{page}", "")
    query = query.format(filters=filters(ERRORS.parameters, values))
    groups: dict[str, list[Row]] = {}
    for row in engine.ask(query, bound(query, values)).dicts():
        groups.setdefault(_alike(row), []).append(row)
    made = [_group(key, group) for key, group in groups.items()]
    made.sort(key=lambda row: str(row["last"]), reverse=True)
    made.sort(key=lambda row: int(row["count"]), reverse=True)
    for portion in portions(made[: int(str(values["limit"])) or None], _PORTION):
        codes = attributes(engine, map(place, portion), (semconv.PROVIDER_ERROR_CODE,))
        for row in portion:
            told = codes.get(place(row), {})
            yield {**row, "code": told.get(semconv.PROVIDER_ERROR_CODE, "")}


def _group(key: str, rows: Sequence[Row]) -> dict[str, Any]:
    """One row of those that are the same."""
    last = max(rows, key=lambda row: str(row["time"]))
    return {
        "error": last["error"],
        "count": sum(int(row["number"]) for row in rows),
        "message": last["message"],
        "operation": last["operation"],
        "name": last["name"],
        **{name: _listed(rows, of) for name, of in _OF.items()},
        "first": min(row["first"] for row in rows),
        "last": last["time"],
        "alike": key,
        "trace_id": last["trace_id"],
        "span_id": last["span_id"],
    }


def _listed(rows: Sequence[Row], of: str) -> list[str]:
    """What is told, the most frequent first."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row[of]:
            counts[row[of]] += int(row["number"])
    return sorted(counts, key=lambda told: (-counts[told], told))


# --- one by one -------------------------------------------------------------------------------

_FACTS: Final = (semconv.PROVIDER_ERROR_CODE, semconv.HTTP_STATUS)


def _failures(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    query = _said(engine) + "SELECT * FROM told ORDER BY time DESC, trace_id DESC, span_id DESC"
    query = query.replace("{filters}", filters(FAILURES.parameters, values))
    found = newest(engine, query, values)
    wanted = values["alike"]
    same = (row for row in found if wanted in (None, _alike(row)))
    for portion in portions(islice(same, int(str(values["limit"])) or None), _PORTION):
        facts = attributes(engine, map(place, portion), _FACTS)
        again = tries(engine, portion)
        for row in portion:
            told = facts.get(place(row), {})
            tried = again.get(place(row), [])
            yield {
                **row,
                "code": told.get(semconv.PROVIDER_ERROR_CODE, ""),
                "http_status": wire.count(_number(told.get(semconv.HTTP_STATUS, ""))),
                "alike": _alike(row),
                "outcome": _outcome(tried),
                "tries": [{**each, "time": _iso(each["time"])} for each in tried] or None,
            }


def _alike(row: Row) -> str:
    return alike(row["error"], row["operation"], row["message"] or "")


def _outcome(tried: Sequence[Row]) -> str:
    return str(tried[-1]["status"]) if tried else ""


def _iso(time: str) -> str:
    return f"{time.replace(' ', 'T')}Z"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else None


_ASKED: Final = (
    *p.ALL,
    p.OPERATION,
    p.ERROR,
    p.TOOL,
    p.text("data_source", "only of this data source"),
    p.flag("models", "only calls of models", "model_call"),
)
_MESSAGE: Final = Column("message", "text", "what the last one said")
_ALIKE: Final = Column(
    "alike", "text", "what failures that are the same have in common", hidden=True
)

ERRORS: Final = Question(
    "errors",
    "Error",
    "Failures: those that are the same in one row, the most frequent first.\n\n"
    "The same are those of one type and operation that say the same but for numbers and ids, "
    "whichever model or tool they are of. ``failures(alike=…)`` has them one by one. With "
    "``models`` only failed calls of models.",
    'errors(since="24h")',
    (*_ASKED, p.limit(50)),
    (
        Column("error", "text", "the type of the failure"),
        Column("count", "int", "how often"),
        Column("code", "text", "the provider's code of the last one"),
        _MESSAGE,
        c.OPERATION,
        Column("models", "list", "the models that were asked for, the most frequent first"),
        Column("tools", "list", "the tools that were run"),
        Column("sources", "list", "what was searched", hidden=True),
        Column("services", "list", "the programs' service.name", hidden=True),
        Column("name", "text", "the last one's operation and what it is of", hidden=True),
        Column("first", "time", "when the first one began", hidden=True),
        Column("last", "time", "when the last one began"),
        _ALIKE,
        Column("trace_id", "text", "the last one's trace", hidden=True),
        Column("span_id", "text", "the last one's span"),
    ),
    None,
    _errors,
)

FAILURES: Final = Question(
    "failures",
    "Failure",
    "Failures one by one, the newest first: what each said, and whether it was tried again.\n\n"
    "Tries of one step are under the same span and were asked the same; where that is not "
    "recorded, they have the same name. ``tries`` has of each ``span_id``, ``name``, ``model``, "
    "``status``, ``error``, ``time`` and ``seconds``. For the next page ask again with the last "
    "row's ``cursor``.",
    'failures(error="openai.RateLimitError", since="24h")',
    (
        *_ASKED,
        Parameter("alike", "text", "only those that are the same: ``alike`` of a row"),
        CURSOR,
        p.limit(20),
    ),
    (
        c.TIME,
        c.NAME,
        Column("error", "text", "the type of the failure"),
        Column("code", "text", "the provider's code"),
        Column("http_status", "int", "the HTTP status of the answer", optional=True, label="HTTP"),
        Column("message", "text", "what it said"),
        Column(
            "outcome", "text", "how the last try of the same step ended, where it was tried again"
        ),
        Column("request_id", "text", "the provider's id of the request", hidden=True),
        c.SECONDS,
        c.OPERATION,
        c.MODEL,
        Column("tool", "text", "the tool that was run", hidden=True),
        Column("data_source", "text", "what was searched", hidden=True),
        Column("service", "text", "the program's service.name", hidden=True),
        c.SESSION,
        c.USER,
        c.TENANT,
        c.CONVERSATION,
        Column(
            "tries",
            "data",
            "the tries of that step in order, this one among them; none without another",
            hidden=True,
        ),
        _ALIKE,
        PLACE,
        c.TRACE,
        c.SPAN,
        Column("parent_id", "text", "the span above", hidden=True),
    ),
    None,
    _failures,
)

QUESTIONS: Final = (ERRORS, FAILURES)
