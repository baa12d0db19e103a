"""A conversation: what was said, each message once, with what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv, wire
from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.asking import bound, filters
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]

# What was answered in the background is on the span that fetched it.
_FETCHED: Final = ", ".join(f"'{operation}'" for operation in sorted(semconv.FETCHES))
_TOLD: Final = f"(model_call OR operation IN ({_FETCHED}))"
# Of each call what none before it was sent, what it answers and its answer. Of a message that is in
# one list several times, each is one.
_MESSAGES: Final = (
    "WITH said AS (SELECT time, trace_id, span_id, direction, position, role, text, message, "
    "row_number() OVER (PARTITION BY trace_id, span_id, direction, message ORDER BY position) "
    "AS occurrence, "
    "max(position) OVER (PARTITION BY trace_id, span_id, direction) AS final "
    f"FROM otelier.messages WHERE {_TOLD} AND {{filters}}), "
    "placed AS (SELECT *, row_number() OVER "
    "(PARTITION BY direction, message, occurrence ORDER BY time, span_id) AS place FROM said) "
    "SELECT time, trace_id, span_id, direction, position, role, text, message, occurrence, final "
    "FROM placed WHERE direction = 'output' OR place = 1 "
    "OR (direction = 'input' AND position = final)"
)
# Looked up by their traces: sums of what was paid for are otherwise made of all of it.
_CALLS: Final = (
    "SELECT time, trace_id, span_id, name, agent, model, cost, input_tokens, output_tokens, "
    "unpriced, uncounted, status, error, seconds, session, conversation FROM otelier.spent "
    "WHERE trace_id IN (SELECT trace_id FROM otelier.calls WHERE {filters}) AND {filters} "
    "ORDER BY time, span_id"
)
_ORDER: Final = {"system": 0, "input": 1, "output": 2}
_SUMS: Final = ("cost", "input_tokens", "output_tokens")
# What each message tells of its call.
_ABOUT: Final = (
    "time",
    "name",
    "agent",
    "model",
    "status",
    "error",
    "seconds",
    "session",
    "conversation",
    "trace_id",
    "span_id",
)


@dataclass(slots=True)
class _Shown:
    """What has been shown of a conversation, and the sums so far."""

    answers: set[tuple[Any, ...]] = field(default_factory=set)
    asked: set[tuple[Any, ...]] = field(default_factory=set)
    number: int = 0
    sums: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(_SUMS))
    unpriced: int = 0
    uncounted: int = 0

    def new(self, row: Row) -> bool:
        """Whether the message is to be shown; from now on it is not."""
        who = tuple(_identity(row))
        if row["direction"] == "output":
            self.answers.add(who)
            return True
        if row["position"] != row["final"]:
            # What comes back as history is what was answered.
            return who not in self.answers
        # Several calls of one trace may answer the same.
        asked = (row["trace_id"], row["direction"], row["occurrence"], row["message"])
        again = asked in self.asked
        self.asked.add(asked)
        return not again

    def line(self, call: Row, said: Row | None, paid: bool) -> dict[str, Any]:
        """A message, or a call that told none; where ``paid``, with what the call took."""
        if paid:
            for name in _SUMS:
                if call[name] is not None:
                    self.sums[name] = (self.sums[name] or 0) + call[name]
            self.unpriced += bool(call["unpriced"])
            self.uncounted += bool(call["uncounted"])
        self.number += 1
        return {
            "number": self.number,
            "role": said["role"] if said else "",
            "text": _text(said) if said else "",
            **{name: call[name] for name in _ABOUT},
            **{name: call[name] if paid else None for name in _SUMS},
            **{f"total_{name}": value for name, value in self.sums.items()},
            "unpriced": self.unpriced,
            "uncounted": self.uncounted,
            "direction": said["direction"] if said else "",
            "message": said["value"] if said else None,
        }


def _fold(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Mapping[str, Any]]:
    """The messages of the conversation that was found."""
    for found in rows:
        named = {**values, "tenant": str(found["tenant"])}
        if not values["id"]:
            named["id"] = str(found["id"])
        told = filters(CONVERSATION.parameters, named)
        said: dict[tuple[str, str], list[Row]] = {}
        for row in _messages(engine, told, named):
            said.setdefault((row["trace_id"], row["span_id"]), []).append(row)
        shown = _Shown()
        for call in _asked(engine, _CALLS, told, named):
            messages = said.get((call["trace_id"], call["span_id"]), [])
            yield from _call(call, messages, shown)


def _messages(engine: Engine, told: str, values: Values) -> Iterable[Row]:
    if engine.dialect == "sqlite":
        # It knows which messages lists have in common.
        from otelier.store.said import said

        return said(engine, f"{_TOLD} AND {told}", bound(told, values))
    return _asked(engine, _MESSAGES, told, values)


def _asked(engine: Engine, sql: str, told: str, values: Values) -> Iterable[Row]:
    query = sql.format(filters=told)
    return engine.ask(query, bound(query, values)).dicts()


def _call(call: Row, rows: list[Row], shown: _Shown) -> Iterator[dict[str, Any]]:
    messages = [{**row, "value": _json(str(row["message"]))} for row in rows]
    messages.sort(key=lambda row: (_ORDER.get(row["direction"], 1), row["position"]))
    kept = [row for row in messages if shown.new(row)]
    # What a call took stands beside its answer; without one beside the last it was sent.
    answers = [index for index, row in enumerate(kept) if row["direction"] == "output"]
    at = answers[0] if answers else len(kept) - 1
    for index, row in enumerate(kept):
        yield shown.line(call, row, paid=index == at)
    if not kept:
        yield shown.line(call, None, paid=True)


def _json(message: str) -> Any:
    """The message; None where it is no JSON."""
    try:
        return wire.loads(message)
    except (ValueError, RecursionError):
        return None


def _identity(row: Row) -> Iterator[Any]:
    from otelier.viewer.history import identities

    message = row["value"]
    yield from [row["message"]] if message is None else identities(message)


def _text(row: Row) -> str:
    """What a person reads: the text, calls of tools and their results."""
    from otelier.viewer.messages import conversation as spoken

    if row["direction"] == "system" or not isinstance(row["value"], dict):
        return str(row["text"])
    said = spoken({semconv.INPUT_MESSAGES: [row["value"]]}, 1000)
    return "\n".join(each.text for each in said) or str(row["text"])


CONVERSATION: Final = Question(
    "conversation",
    "Message",
    "A conversation: each message once, with cost and running totals.\n\n"
    "By the id of a conversation or a session; without one the newest. Of several tenants that "
    "have it, that of the newest call. What a call took stands "
    "beside its answer. What is not known is in no total: ``unpriced`` and ``uncounted`` say of "
    "how many calls so far.",
    'conversation("c-01")',
    (
        Parameter(
            "id",
            "text",
            "id of a conversation or a session; the newest by default",
            subject=True,
            where="(conversation = :id OR session = :id)",
        ),
        p.SESSION,
        p.CONVERSATION,
        p.TENANT,
        p.USER,
    ),
    (
        Column("number", "int", "which message it is", hidden=True),
        Column("time", "time", "when the call began that it is of", hidden=True),
        Column("role", "text", "who said it; '' for a call that told no messages"),
        Column("text", "text", "what was said; calls of tools and their results, too"),
        Column("name", "text", "the call that it is of"),
        c.MODEL,
        Column("agent", "text", "the agent that the call names", hidden=True),
        Column("status", "text", "how the call ended", hidden=True),
        replace(c.ERROR, hidden=True),
        replace(c.SECONDS, help="how long the call took", hidden=True),
        c.COST,
        c.INPUT,
        c.OUTPUT,
        c.summed(
            Column("total_cost", "float", "what all so far cost", "USD", True, label="so far")
        ),
        c.summed(c.tokens("total_input_tokens", "tokens read so far", hidden=True)),
        c.summed(c.tokens("total_output_tokens", "tokens written so far", hidden=True)),
        Column("unpriced", "int", "calls so far whose price is not known", hidden=True),
        Column("uncounted", "int", "calls so far that told no usage", hidden=True),
        Column("direction", "text", "system, input or output", hidden=True),
        Column("message", "data", "all of it, where it is JSON", hidden=True),
        replace(c.SESSION, hidden=True),
        c.CONVERSATION,
        c.TRACE,
        replace(c.SPAN, hidden=True),
    ),
    "SELECT CASE WHEN conversation != '' THEN conversation ELSE session END AS id, "
    "tenant "
    "FROM otelier.calls WHERE (conversation != '' OR session != '') AND {filters} "
    "ORDER BY time DESC LIMIT 1",
    _fold,
    shown="said",
)

QUESTIONS: Final = (CONVERSATION,)
