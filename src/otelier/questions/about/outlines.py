"""What traces come to: the outermost call of each, sums over all of its calls, what a user said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv, wire
from otelier.questions import columns as c
from otelier.questions.asking import listed, one_of

if TYPE_CHECKING:
    from otelier.store.engine import Engine, Parameter

Row = Mapping[str, Any]

# More spans than this between a call and the one above it are of a broken trace.
_HIGHEST: Final = 200
# Of what a user said: parts of a message, and characters.
_PARTS: Final = 1000
_MOST: Final = 200

# A time as nanoseconds since 1970: no two engines have the same function.
_NANOSECONDS: Final = {"clickhouse": "toUnixTimestamp64Nano(time)"}
_OF_TEXT: Final = (
    "(CAST(strftime('%s', substr(time, 1, 19)) AS INTEGER) * 1000000000 "
    "+ CAST(substr(time, 21) AS INTEGER))"
)
# Each is asked of some traces: ``{these}``.
_WHOSE: Final = ("session", "user", "tenant", "conversation")
_OWN: Final = (
    f"SELECT trace_id, tags, {', '.join(_WHOSE)}, min(time) AS first, max(time) AS last, "
    "{ended} AS ended, "
    "sum(model_call) AS calls, sum(operation = 'execute_tool') AS tools, "
    "sum(error != '') AS errors FROM otelier.calls WHERE {these} "
    f"GROUP BY trace_id, tags, {', '.join(_WHOSE)} ORDER BY first"
)
_COUNTS: Final = ("calls", "tools", "errors")
_TOKENS: Final = tuple(column.name for column in c.USED)
_MISSING: Final = tuple(column.name for column in c.MISSING)
_SPENT: Final = (
    "SELECT trace_id, model, min(time) AS first, "
    + ", ".join(f"sum({name}) AS {name}" for name in ("cost", *_TOKENS, *_MISSING))
    + " FROM otelier.spent WHERE {these} GROUP BY trace_id, model ORDER BY first, model"
)
_EARLIEST: Final = (
    "SELECT trace_id, span_id, parent_id FROM (SELECT trace_id, span_id, parent_id, "
    "row_number() OVER (PARTITION BY trace_id ORDER BY time, span_id) AS place "
    "FROM otelier.calls WHERE {these}) AS placed WHERE place = 1"
)
# Of a span that both its ends tell of, the call is the last.
_ABOVE: Final = (
    "SELECT trace_id, span_id, parent_id, operation FROM otelier.spans "
    "WHERE {these} AND {spans} ORDER BY operation"
)
_OUTERMOST: Final = (
    "SELECT trace_id, span_id, name, operation, status, service FROM otelier.calls "
    "WHERE {these} AND {spans}"
)
# Agents have messages, too, which repeat those of their model calls.
_SENT: Final = (
    "SELECT trace_id, message FROM (SELECT trace_id, message, role, position, rank() OVER "
    "(PARTITION BY trace_id ORDER BY model_call DESC, time, span_id) AS place "
    "FROM otelier.messages WHERE {these} AND direction = 'input') AS sent "
    "WHERE place = 1 AND role = 'user' ORDER BY position DESC"
)


def outlined(engine: Engine, ids: Sequence[str]) -> Iterator[Row]:
    """A row for each of the traces, in their order; none of those that have no calls any more."""
    own = _by_trace(_asked(engine, _OWN, ids))
    spent = _by_trace(_asked(engine, _SPENT, ids))
    outermost = _outermost(engine, ids)
    said = texts(engine, ids)
    for trace_id in ids:
        if trace_id in own and trace_id in outermost:
            yield {
                **outermost[trace_id],
                **_summed(own[trace_id], spent.get(trace_id, [])),
                "text": said.get(trace_id, ""),
            }


def _summed(own: Sequence[Row], spent: Sequence[Row]) -> Row:
    """Sums of a trace, of the rows of its calls, and of those of them that were paid for."""
    from otelier.store.rows import nanoseconds

    tags = dict.fromkeys(tag for row in own for tag in listed(row["tags"]))
    models = dict.fromkeys(row["model"] for row in spent if row["model"])
    return {
        "time": own[0]["first"],
        "last": max(row["last"] for row in own),
        "seconds": (max(row["ended"] for row in own) - nanoseconds(own[0]["first"])) / 1e9,
        **{name: sum(int(row[name]) for row in own) for name in _COUNTS},
        **{name: total(spent, name) for name in ("cost", *_TOKENS)},
        **{name: sum(int(row[name]) for row in spent) for name in _MISSING},
        # What its first call says that says anything.
        **{name: next((row[name] for row in own if row[name]), "") for name in _WHOSE},
        "tags": tuple(tags),
        "models": tuple(models),
    }


def total(rows: Iterable[Row], name: str) -> Any:
    """The sum of what is known; None where nothing is."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def _outermost(engine: Engine, ids: Sequence[str]) -> dict[str, Row]:
    """By trace the call that no other one is above: that is the earliest, or above the earliest."""
    outermost: dict[str, str] = {}
    above: dict[str, str] = {}
    for row in _asked(engine, _EARLIEST, ids):
        outermost[row["trace_id"]] = row["span_id"]
        above[row["trace_id"]] = row["parent_id"]
    passed = set(outermost.items())
    for _ in range(_HIGHEST):
        # Spans that are above themselves have no end.
        above = {of: span_id for of, span_id in above.items() if span_id}
        above = dict(above.items() - passed)
        if not above:
            break
        passed |= above.items()
        higher: dict[str, str] = {}
        for row in _asked(engine, _ABOVE, above, above.values()):
            of, span_id = row["trace_id"], row["span_id"]
            if span_id == above[of]:
                higher[of] = row["parent_id"]
                if row["operation"]:
                    outermost[of] = span_id
        above = higher
    # What was forgotten meanwhile is not there.
    found = _asked(engine, _OUTERMOST, outermost, outermost.values()) if outermost else ()
    return {row["trace_id"]: row for row in found if row["span_id"] == outermost[row["trace_id"]]}


def texts(engine: Engine, ids: Sequence[str]) -> dict[str, str]:
    """By trace what a user said last in what its first model call was sent: the rest is history."""
    from otelier.viewer.text import shorten

    if engine.dialect == "sqlite":
        # It knows where a list ends.
        from otelier.store.asked import asked

        found = asked(engine, ids, _said)
    else:
        found = _told(_asked(engine, _SENT, ids), _said)
    return {trace_id: shorten(text, _MOST) for trace_id, text in found.items()}


def _told(rows: Iterable[Row], says: Callable[[str], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        if row["trace_id"] not in found and (text := says(str(row["message"]))):
            found[row["trace_id"]] = text
    return found


def _said(message: str) -> str:
    """What a user says in a message, as a person reads it; results of tools are nobody's words."""
    from otelier.viewer.facts import objects
    from otelier.viewer.messages import conversation as spoken

    try:
        value = wire.loads(message)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict) or value.get("role") != "user":
        return ""
    parts = [part for part in objects(value.get("parts")) if part.get("type") not in _RESULTS]
    said = spoken({semconv.INPUT_MESSAGES: [{"role": "user", "parts": parts}]}, _PARTS)
    return "\n".join(each.text for each in said)


_RESULTS: Final = frozenset({"tool_call_response", "server_tool_call_response"})


def ended(engine: Engine) -> str:
    """SQL for when the last of some calls ended, in nanoseconds since 1970."""
    began = _NANOSECONDS.get(engine.dialect, _OF_TEXT)
    return f"max({began} + CAST(round(seconds * 1000000000) AS BIGINT))"


def _by_trace(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["trace_id"], []).append(row)
    return found


def _asked(
    engine: Engine, sql: str, ids: Iterable[str], span_ids: Iterable[str] = ()
) -> Iterator[dict[str, Any]]:
    """Rows of some traces, and of some of their spans."""
    these, given = one_of("trace_id", ids)
    spans, more = one_of("span_id", dict.fromkeys(span_ids))
    parameters: dict[str, Parameter] = {**given, **more}
    query = sql.format(these=these, spans=spans, ended=ended(engine))
    return engine.ask(query, parameters).dicts()
