"""One step of a trace: what is shown beside the tree when it is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from otelier import semconv
from otelier.store.spans import StoredEvent, StoredSpan
from otelier.viewer import text as txt
from otelier.viewer.facts import Facts, number, objects, structure, text
from otelier.viewer.forest import Node
from otelier.viewer.history import History
from otelier.viewer.messages import Earlier, again, missing
from otelier.web.shown import chat, tree, values
from otelier.web.shown.chat import Bubble, Part, Ran
from otelier.web.shown.tree import Nodes
from otelier.web.shown.values import Bounds, Value

# Earlier calls of a conversation in which a message may have been shown.
_BEFORE: Final = 8
# Characters of a text of which one only wants to know what it is.
_GLANCE: Final = 90
# New messages that are shown at once; and how many at a time of those above them.
NEWEST: Final = 60
PAGE: Final = 100

# Ids by which others know the step: attributes, and what they are called here.
_IDS: Final[Mapping[str, str]] = {
    semconv.RESPONSE_ID: "response",
    semconv.PROVIDER_REQUEST_ID: "request",
    semconv.CONVERSATION_ID: "conversation",
    semconv.SESSION_ID: "session",
    semconv.USER_ID: "user",
    semconv.TOOL_CALL_ID: "tool call",
    semconv.REQUEST_PREVIOUS_RESPONSE_ID: "previous response",
    semconv.BATCH_ID: "batch",
    semconv.AGENT_ID: "agent",
    semconv.OPENAI_SYSTEM_FINGERPRINT: "system fingerprint",
    semconv.PROVIDER_UPSTREAM: "upstream provider",
    semconv.PROVIDER_ORGANIZATION: "organization",
}
# What a provider says of a failure: how it is called here, and the attribute.
ERROR: Final[Mapping[str, str]] = {
    "code": semconv.PROVIDER_ERROR_CODE,
    "HTTP status": semconv.HTTP_STATUS,
    "request": semconv.PROVIDER_REQUEST_ID,
}
_USAGE: Final = "gen_ai.usage."
_COSTS: Final = "otelier.cost."
_REQUEST: Final = "gen_ai.request."
_PROVIDERS: Final = (semconv.PROVIDER_PREFIX, "openai.", "aws.bedrock.")
_ARGUMENTS: Final = (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS)
_RESULTS: Final = (semconv.TOOL_CALL_RESULT, semconv.RESULT)
_QUERY: Final = (semconv.RETRIEVAL_QUERY,)
_MESSAGES: Final = (
    semconv.INPUT_MESSAGES,
    semconv.OUTPUT_MESSAGES,
    semconv.SYSTEM_INSTRUCTIONS,
    semconv.TOOL_DEFINITIONS,
)
_SHOWN: Final = frozenset({semconv.REQUEST_MODEL, *_IDS, semconv.COST, semconv.COST_TOTAL})


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a retrieval found."""

    id: str
    score: str
    part: Part


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a span."""

    name: str
    after: str
    """How long after the span's start."""
    attributes: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step, as a page shows it."""

    span: StoredSpan
    known: Facts
    kind: str
    cost: str
    tokens: str
    ids: tuple[Fact, ...]
    usage: tuple[Fact, ...]
    costs: tuple[Fact, ...]
    request: tuple[Fact, ...]
    provider: tuple[Fact, ...]
    error: tuple[Fact, ...]
    stack: str
    system: tuple[Part, ...]
    tools: Value | None
    same: tuple[str, ...]
    """Attributes that are as in the call before."""
    earlier: int
    """How many of the first messages are not shown at first."""
    before: int
    """How many of those an earlier call of the conversation has shown."""
    messages: tuple[Bubble, ...]
    answers: tuple[Bubble, ...]
    arguments: Part | None
    result: Part | None
    query: Part | None
    documents: tuple[Document, ...]
    cut: str
    """Where content was cut when it was recorded: how much of it."""
    events: tuple[Happened, ...]
    attributes: tuple[Value, ...]
    resource: tuple[Value, ...]

    @property
    def about_system(self) -> str:
        """How the system instructions begin."""
        first = next((part.text for part in self.system if part.text), "")
        return txt.clip(" ".join(first[:_GLANCE].split()), _GLANCE)


def step(found: Nodes, at: int, before: Sequence[StoredSpan] = (), *, plain: bool = False) -> Step:
    """The step at a place of the trace.

    ``before``: calls of the same conversation in other traces, in order. ``plain``: no Markdown.
    """
    earlier = _earlier(found, at, before)
    return _made(found[at], earlier, _ran(found), values.page(), plain=plain)


def steps(found: Nodes) -> Iterator[Step]:
    """All steps of a trace in their order, for a reader who has them all and nothing else.

    What a step before has shown of the conversation is not shown again. Attributes that are shown
    as content are not among the others. All that there is is shown, within large bounds.
    """
    history, ran, bounds = History(), _ran(found), values.file()
    for node, known in found:
        earlier = history.earlier(node.span.trace_id, node.span.attributes)
        made = _made((node, known), earlier, ran, bounds, alone=True)
        yield replace(
            made,
            system=() if semconv.SYSTEM_INSTRUCTIONS in earlier.names else made.system,
            tools=None if semconv.TOOL_DEFINITIONS in earlier.names else made.tools,
        )


def _made(
    one: tuple[Node, Facts],
    earlier: Earlier,
    ran: Mapping[str, Ran],
    bounds: Bounds,
    *,
    plain: bool = False,
    alone: bool = False,
) -> Step:
    """``alone``: for a reader who cannot ask for more."""
    node, known = one
    span = node.span
    attributes = span.attributes
    messages = structure(attributes, semconv.INPUT_MESSAGES)
    listed = messages if isinstance(messages, list | tuple) else [messages]
    newest = len(listed) if alone else NEWEST
    first = 0 if messages is None else max(earlier.messages, len(listed) - newest)
    repeated = frozenset(again(attributes))
    output = structure(attributes, semconv.OUTPUT_MESSAGES)
    system = structure(attributes, semconv.SYSTEM_INSTRUCTIONS)
    tools = structure(attributes, semconv.TOOL_DEFINITIONS)
    return Step(
        span=span,
        known=known,
        kind=tree.kind(known),
        cost=tree.cost(known),
        tokens=tree.tokens(known),
        ids=tuple(_named(attributes, _IDS)),
        usage=tuple(_prefixed(attributes, _USAGE)),
        costs=tuple(_paid(attributes)),
        request=tuple(_prefixed(attributes, _REQUEST)),
        provider=tuple(each for prefix in _PROVIDERS for each in _prefixed(attributes, prefix)),
        error=tuple(_error(span, known)),
        stack=_stack(span.events),
        system=() if system is None else chat.parts(system, plain, bounds),
        tools=None if tools is None else values.value(tools, bounds=bounds),
        same=earlier.names,
        earlier=first,
        before=earlier.messages,
        messages=()
        if messages is None
        else tuple(
            chat.bubbles(listed[first:], listed[:first], plain=plain, ran=ran, bounds=bounds)
        ),
        answers=()
        if output is None
        else tuple(chat.bubbles(output, output=True, plain=plain, ran=ran, bounds=bounds)),
        arguments=_value(attributes, repeated, _ARGUMENTS, bounds),
        result=_value(attributes, repeated, _RESULTS, bounds),
        query=_value(attributes, repeated, _QUERY, bounds),
        documents=tuple(_documents(attributes, bounds)),
        cut=cut(attributes),
        events=tuple(_happened(span, bounds)),
        attributes=sorted_values(_others(attributes, repeated) if alone else attributes, bounds),
        resource=sorted_values(span.resource.attributes, bounds),
    )


def above(
    span: StoredSpan, until: int, plain: bool = False, bounds: Bounds | None = None
) -> tuple[int, list[Bubble]]:
    """Messages that stand above the ``until`` first: from which on, and they.

    ``bounds``: for a reader who cannot ask for more of them, or of one.
    """
    messages = structure(span.attributes, semconv.INPUT_MESSAGES)
    listed = messages if isinstance(messages, list | tuple) else [messages]
    until = max(0, min(until, len(listed)))
    first = 0 if bounds else max(0, until - PAGE)
    return first, chat.bubbles(
        listed[first:until], listed[:first], plain=plain, bounds=bounds or values.page()
    )


def _earlier(found: Nodes, at: int, before: Sequence[StoredSpan]) -> Earlier:
    """What the calls before this one of the same conversation have shown."""
    span = found[at][0].span
    whose = _conversation(span)
    calls = [
        node.span
        for node, _ in found[:at]
        if semconv.INPUT_MESSAGES in node.span.attributes and _conversation(node.span) == whose
    ]
    history = History()
    for each in (*before, *calls)[-_BEFORE:]:
        history.earlier(each.trace_id if each.trace_id else "", each.attributes)
    return history.earlier(span.trace_id, span.attributes)


def _conversation(span: StoredSpan) -> str:
    return text(span.attributes, semconv.CONVERSATION_ID)


def _ran(found: Nodes) -> dict[str, Ran]:
    """The steps of the trace that ran tools, by the ids of the calls."""
    told: dict[str, Ran] = {}
    for node, known in found:
        call = text(node.span.attributes, semconv.TOOL_CALL_ID)
        if call and known.operation == semconv.EXECUTE_TOOL:
            error = (known.error_type or "failed") if known.failed else ""
            told.setdefault(call, Ran(node.span.span_id, known.seconds, error))
    return told


# --- facts ------------------------------------------------------------------------------------


def _named(attributes: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Fact]:
    for name, what in names.items():
        if name in attributes:
            yield Fact(what, _plain(attributes[name]))


def _prefixed(attributes: Mapping[str, Any], prefix: str) -> Iterator[Fact]:
    for name, value in attributes.items():
        if name.startswith(prefix) and name not in _SHOWN:
            told = f"{value:,}" if type(value) is int else _plain(value)
            words = name.removeprefix(prefix).removesuffix("_tokens")
            yield Fact(words.replace("_", " ").replace(".", " "), told)


def _paid(attributes: Mapping[str, Any]) -> Iterator[Fact]:
    for name in (semconv.COST, semconv.COST_TOTAL):
        if (cost := number(attributes, name)) is not None:
            yield Fact("total", txt.dollars(cost))
    for name, value in attributes.items():
        if name.startswith(_COSTS) and name not in _SHOWN:
            cost = None if name == semconv.UNPRICED_CALLS else number(attributes, name)
            told = _plain(value) if cost is None else txt.dollars(cost)
            yield Fact(name.removeprefix(_COSTS), told)


def _error(span: StoredSpan, known: Facts) -> Iterator[Fact]:
    if not known.failed:
        return
    yield Fact("type", known.error_type or "error")
    if known.error_message:
        yield Fact("message", known.error_message)
    for what, name in ERROR.items():
        if name in span.attributes:
            yield Fact(what, _plain(span.attributes[name]))


def _stack(events: Sequence[StoredEvent]) -> str:
    told = (text(event.attributes, "exception.stacktrace") for event in events)
    return next((each for each in told if each), "")


def cut(attributes: Mapping[str, Any]) -> str:
    """Where content was cut when it was recorded: how much of it."""
    if not attributes.get(semconv.CONTENT_TRUNCATED):
        return ""
    return missing(attributes).removeprefix(": ") or "how much is not known"


# --- content ----------------------------------------------------------------------------------


def _value(
    attributes: Mapping[str, Any],
    repeated: frozenset[str],
    names: Sequence[str],
    bounds: Bounds,
) -> Part | None:
    name = _first(attributes, repeated, names)
    return chat.part_of_value(structure(attributes, name), bounds) if name else None


def _first(attributes: Mapping[str, Any], repeated: frozenset[str], names: Sequence[str]) -> str:
    """The first of these attributes that says something new; empty where none does."""
    told = (name for name in names if attributes.get(name) is not None and name not in repeated)
    return next(told, "")


def _others(attributes: Mapping[str, Any], repeated: frozenset[str]) -> dict[str, Any]:
    """The attributes that are not shown as content, whole."""
    shown = {name for name in _MESSAGES if attributes.get(name) is not None} | repeated
    shown |= {_first(attributes, repeated, names) for names in (_ARGUMENTS, _RESULTS, _QUERY)}
    documents = structure(attributes, semconv.RETRIEVAL_DOCUMENTS)
    if isinstance(documents, list | tuple) and all(isinstance(d, Mapping) for d in documents):
        shown.add(semconv.RETRIEVAL_DOCUMENTS)
    return {name: value for name, value in attributes.items() if name not in shown}


def _documents(attributes: Mapping[str, Any], bounds: Bounds) -> Iterator[Document]:
    for told in objects(structure(attributes, semconv.RETRIEVAL_DOCUMENTS)):
        score = number(told, "score")
        rest = {key: each for key, each in told.items() if key not in ("id", "score")}
        body = next((rest[key] for key in _BODIES if isinstance(rest.get(key), str)), None)
        only = body is not None and len(rest) == 1
        yield Document(
            _plain(told.get("id", "")),
            "" if score is None else f"{score:.3f}",
            chat.part_of_value(body if only else rest, bounds),
        )


_BODIES: Final = ("content", "text", "page_content", "title")


def _happened(span: StoredSpan, bounds: Bounds) -> Iterator[Happened]:
    for event in span.events:
        after = txt.duration(max((event.time_ns - span.start_ns) / 1e9, 0.0))
        yield Happened(event.name, after, sorted_values(event.attributes, bounds))


def sorted_values(attributes: Mapping[str, Any], bounds: Bounds = values.PAGE) -> tuple[Value, ...]:
    """All attributes by name; texts that are JSON as trees."""
    return tuple(
        values.value(structure(attributes, name), name, bounds)
        for name in sorted(attributes, key=str)
    )


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else str(value)
