"""Sessions and conversations as they are read from a store, and the steps around messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from otelier import semconv
from otelier.questions import moments
from otelier.questions.asking import ask, one_of
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine, Parameter
from otelier.web.pages.lately import Lately
from otelier.web.pages.news import version
from otelier.web.shown import talk
from otelier.web.shown.chat import Ran
from otelier.web.shown.said import ATTRIBUTES, Around, Place
from otelier.web.shown.talk import Entry

# Those that are kept as read: who reads one asks for it again and again.
_KEPT: Final = 4
# What they may weigh together, in characters; and what an entry weighs without its text.
_HEAVIEST: Final = 64_000_000
_ENTRY: Final = 1_000
# Steps that ran tools, beside the messages that are shown at once.
_STEPS: Final = 500
_OWN: Final = "{kind} = :id AND tenant = :tenant"
_FAILED: Final = (
    "SELECT time, trace_id, span_id, parent_id, name, error, model_call, seconds "
    f"FROM otelier.calls WHERE {_OWN} AND error != '' ORDER BY time, span_id"
)
_TENANT: Final = "SELECT tenant FROM otelier.calls WHERE {kind} = :id AND span_id = :span_id"
_BEGAN: Final = f"SELECT time FROM otelier.calls WHERE {_OWN} AND span_id = :span_id"
_RAN: Final = (
    "SELECT time, trace_id, span_id, error, seconds FROM otelier.calls "
    f"WHERE {{these}} AND operation = '{semconv.EXECUTE_TOOL}' AND time >= :since "
    f"ORDER BY time, span_id LIMIT {_STEPS}"
)
_ATTRIBUTES: Final = (
    "SELECT trace_id, span_id, key, value FROM otelier.attributes "
    "WHERE {these} AND {spans} AND {keys}"
)
_SAID: Final = (
    "SELECT trace_id, span_id, status_message FROM otelier.spans WHERE {these} AND {spans}"
)


class Whose(NamedTuple):
    """Which session or conversation."""

    kind: str
    id: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A session or a conversation as it was read."""

    version: str
    entries: Sequence[Entry]


class Talks:
    """Those of a store, the ones that were asked for lately kept. For several threads."""

    def __init__(self) -> None:
        self._kept: Lately[Sequence[Entry]] = Lately(_KEPT, _weight, _HEAVIEST)

    def read(self, engine: Engine, whose: Whose) -> Talk:
        """All of it."""
        now = version(engine, {whose.kind: whose.id, "tenant": whose.tenant})
        return Talk(now, self._kept.get(whose, now, lambda: _read(engine, whose)))


def _weight(entries: Sequence[Entry]) -> int:
    """About how many characters are in them: a message is there as data and as its text."""
    return sum(_ENTRY + 2 * len(getattr(entry.about, "text", "")) for entry in entries)


def _read(engine: Engine, whose: Whose) -> list[Entry]:
    given = {whose.kind: whose.id, "tenant": whose.tenant}
    rows = ask(BY_NAME["conversation"], engine, id=whose.id, **given)
    failed = [
        {**row, "time": moments.read(str(row["time"]))} for row in _asked(engine, whose, _FAILED)
    ]
    called = talk.called(rows)
    ids = _attributes(engine, [_of(row) for row in failed], [semconv.TOOL_CALL_ID])
    told = ({**row, "call": ids.get(_of(row), {}).get(semconv.TOOL_CALL_ID, "")} for row in failed)
    return talk.entries(rows, talk.told_by_none(told, called))


def tenant(engine: Engine, kind: str, id: str, span_id: str) -> str | None:
    """Of which tenant's it is where the step is; None where it is in none."""
    found = engine.ask(_TENANT.format(kind=kind), {"id": id, "span_id": span_id}).rows
    return next((str(row[0]) for row in found), None)


def began(engine: Engine, whose: Whose, span_id: str) -> datetime | None:
    """When a step began; None where it is not there."""
    found = _asked(engine, whose, _BEGAN, span_id=span_id)
    return next((moments.read(str(row["time"])) for row in found), None)


def _asked(engine: Engine, whose: Whose, sql: str, **more: str) -> Iterator[dict[str, Any]]:
    given = {"id": whose.id, "tenant": whose.tenant, **more}
    return engine.ask(sql.format(kind=whose.kind), given).dicts()


# --- steps around messages --------------------------------------------------------------------

# Entries that may tell of a failure.
_FAIL: Final = ("call", "failure")


def around(engine: Engine, entries: Sequence[Entry]) -> Around:
    """What is to be known of the calls that are shown, and of the tools that they called."""
    calls = [_at(entry) for entry in entries if entry.kind == "call"]
    failed = [_at(entry) for entry in entries if entry.kind in _FAIL and entry.about.error]
    tools = list(_tools(engine, entries))
    names = [*ATTRIBUTES, semconv.TOOL_CALL_ID]
    attributes = _attributes(engine, [*calls, *failed, *map(_of, tools)], names)
    ran: dict[Place, list[tuple[datetime, Ran]]] = {}
    for row in tools:
        call = attributes.get(_of(row), {}).get(semconv.TOOL_CALL_ID, "")
        step = Ran(row["span_id"], row["seconds"], row["error"])
        ran.setdefault((row["trace_id"], call), []).append((moments.read(row["time"]), step))
    return Around(ran, attributes, _said(engine, failed))


def _tools(engine: Engine, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """The steps of these traces that ran tools, from the first message on."""
    callers = [entry.about for entry in entries if talk.called([entry])]
    if not callers:
        return iter(())
    these, given = one_of("trace_id", dict.fromkeys(row.trace_id for row in callers))
    return engine.ask(_RAN.format(these=these), {**given, "since": callers[0].time}).dicts()


def _attributes(
    engine: Engine, places: Sequence[Place], names: Iterable[str]
) -> dict[Place, dict[str, str]]:
    """Some attributes of some spans."""
    keys, given = one_of("key", names)
    found: dict[Place, dict[str, str]] = {}
    for row in _of_spans(engine, places, _ATTRIBUTES.replace("{keys}", keys), given):
        found.setdefault(_of(row), {})[row["key"]] = row["value"]
    return found


def _said(engine: Engine, places: Sequence[Place]) -> dict[Place, str]:
    """What spans say of their failures."""
    rows = _of_spans(engine, places, _SAID)
    return {_of(row): row["status_message"] for row in rows if row["status_message"]}


def _of_spans(
    engine: Engine, places: Sequence[Place], sql: str, given: Mapping[str, Parameter] = {}
) -> Iterator[dict[str, Any]]:
    if not places:
        return iter(())
    these, traces = one_of("trace_id", dict.fromkeys(trace_id for trace_id, _ in places))
    spans, ids = one_of("span_id", dict.fromkeys(span_id for _, span_id in places))
    query = sql.format(these=these, spans=spans)
    return engine.ask(query, {**traces, **ids, **given}).dicts()


def _of(row: dict[str, Any]) -> Place:
    return row["trace_id"], row["span_id"]


def _at(entry: Entry) -> Place:
    return entry.about.trace_id, entry.about.span_id
