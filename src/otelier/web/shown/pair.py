"""Two steps beside each other: what differs in what was asked, how, and what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelier import semconv, wire
from otelier.questions.cells import compact
from otelier.viewer.facts import Attributes, Facts, objects, structure
from otelier.viewer.messages import described
from otelier.web.shown import chat, values
from otelier.web.shown.chat import Bubble
from otelier.web.shown.differing import blocks
from otelier.web.shown.measures import Measure, measure
from otelier.web.shown.texts import Compared, Effort, compared
from otelier.web.shown.tree import Nodes

# Messages of a list that differ and are shown.
_MESSAGES: Final = 40
# Characters of JSON that is written in lines.
_JSON: Final = 200_000
# Parameters of a call, by the beginnings of their names, which are left out where they are shown.
_PARAMETERS: Final = (
    "gen_ai.request.",
    "gen_ai.prompt.",
    "gen_ai.output.",
    "gen_ai.embeddings.",
    "gen_ai.retrieval.top_k",
    "openai.request.",
    "aws.bedrock.",
    "otelier.metadata.",
    "server.address",
)
_CONTENT: Final = frozenset({semconv.OUTPUT_MESSAGES, semconv.RETRIEVAL_QUERY})
# Content that is one text: what it is called, and its attributes, of which a span has one.
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Arguments": (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS),
    "Query": (semconv.RETRIEVAL_QUERY,),
    "Documents": (semconv.RETRIEVAL_DOCUMENTS,),
    "Result": (semconv.TOOL_CALL_RESULT, semconv.RESULT),
}

Part: TypeAlias = Mapping[str, Any]
_Fact: TypeAlias = Callable[[Facts], float | int | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """A fact of both in words; None where a side does not say it."""

    name: str
    a: str | None
    b: str | None

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.a == self.b


@dataclass(frozen=True, slots=True)
class Text:
    """Content that both have or one has."""

    title: str
    found: Compared
    only: str = ""
    """``a`` or ``b`` where only that has it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Messages that follow each other."""

    kind: str
    """``same``, ``changed``, ``a`` or ``b``."""
    count: int
    bubble: Bubble | None = None
    role: str = ""
    found: Compared | None = None


@dataclass(frozen=True, slots=True)
class Messages:
    """A list of messages of both."""

    title: str
    attribute: str
    said: tuple[Said, ...]
    left_out: int
    """How many that differ are not shown."""
    coarse: bool
    """Whether the lists were not compared throughout."""

    @property
    def same(self) -> bool:
        """Whether both lists are the same."""
        return all(each.kind == "same" for each in self.said)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps."""

    measures: tuple[Measure, ...]
    settings: tuple[Setting, ...]
    system: Text | None
    tools: tuple[Text, ...]
    same_tools: int
    """How many tools are the same in both."""
    messages: Messages | None
    answers: Messages | None
    texts: tuple[Text, ...]
    cut: tuple[bool, bool]
    """Of which content was cut when it was recorded."""


def pair(a: tuple[Nodes, int], b: tuple[Nodes, int]) -> Pair:
    """Two steps, each a trace and where the step is in it."""
    (node_a, facts_a), (node_b, facts_b) = (found[at] for found, at in (a, b))
    one, other = node_a.span.attributes, node_b.span.attributes
    effort = Effort()
    # What somebody looks for first is compared first.
    answers = _messages("Answer", semconv.OUTPUT_MESSAGES, one, other, effort)
    system = _text("System instructions", _system(one), _system(other), effort)
    messages = _messages("Messages", semconv.INPUT_MESSAGES, one, other, effort)
    tools, same_tools = _tools(one, other, effort)
    return Pair(
        tuple(_measures(facts_a, facts_b)),
        tuple(_settings(facts_a, facts_b, one, other)),
        system,
        tools,
        same_tools,
        messages,
        answers,
        tuple(_texts(one, other, effort)),
        (bool(one.get(semconv.CONTENT_TRUNCATED)), bool(other.get(semconv.CONTENT_TRUNCATED))),
    )


# --- numbers and parameters -------------------------------------------------------------------

_MEASURES: Final[tuple[tuple[str, str, _Fact], ...]] = (
    ("cost", "USD", lambda known: known.cost),
    ("time", "s", lambda known: known.seconds),
    ("first chunk", "s", lambda known: known.first_chunk),
    ("tokens read", "tokens", lambda known: known.tokens.input),
    ("of these cached", "tokens", lambda known: known.tokens.cached),
    ("tokens written", "tokens", lambda known: known.tokens.output),
    ("of these reasoning", "tokens", lambda known: known.tokens.reasoning),
)


def _measures(a: Facts, b: Facts) -> Iterator[Measure]:
    """Those that at least one of them tells."""
    for name, unit, fact in _MEASURES:
        one, other = fact(a), fact(b)
        if one is not None or other is not None:
            partial = (a.partial, b.partial) if unit == "USD" else (False, False)
            yield measure(name, unit, one, other, partial=partial)


def _settings(a: Facts, b: Facts, one: Attributes, other: Attributes) -> Iterator[Setting]:
    """What was asked and how it ended; what differs first."""
    found = [
        Setting("step", _step(a), _step(b)),
        Setting("model", a.model or None, b.model or None),
        Setting("provider", a.provider or None, b.provider or None),
        Setting("finish", _listed(a.finish_reasons), _listed(b.finish_reasons)),
        Setting("error", _error(a), _error(b)),
        Setting("left", a.left or None, b.left or None),
    ]
    names = sorted(
        name
        for name in {*one, *other}
        if name.startswith(_PARAMETERS) and name not in _SHOWN and name not in _CONTENT
    )
    found += [
        Setting(name.removeprefix("gen_ai."), _word(one, name), _word(other, name))
        for name in names
    ]
    told = [each for each in found if each.a is not None or each.b is not None]
    yield from sorted(told, key=lambda each: each.same)


_SHOWN: Final = frozenset({semconv.REQUEST_MODEL})


def _step(known: Facts) -> str:
    return f"{known.label} {known.name}".strip() or "span"


def _listed(words: Sequence[str]) -> str | None:
    return ", ".join(words) or None


def _error(known: Facts) -> str | None:
    if not known.failed:
        return None
    return ": ".join(filter(None, (known.error_type, known.error_message))) or "failed"


def _word(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return None if value is None else compact(_plain(value))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


# --- texts ------------------------------------------------------------------------------------


def _text(title: str, a: str | None, b: str | None, effort: Effort) -> Text | None:
    if a is None and b is None:
        return None
    only = "b" if a is None else "a" if b is None else ""
    return Text(title, compared(a or "", b or "", effort), only)


def _texts(one: Attributes, other: Attributes, effort: Effort) -> Iterator[Text]:
    for title, names in _TEXTS.items():
        text = _text(title, _value(one, names), _value(other, names), effort)
        if text is not None:
            yield text


def _value(attributes: Attributes, names: Sequence[str]) -> str | None:
    for name in names:
        if attributes.get(name) is not None:
            return in_lines(structure(attributes, name))
    return None


def in_lines(value: Any) -> str:
    """A value as a text whose lines can be compared: JSON with a line for each member."""
    if isinstance(value, str):
        return value
    text = wire.dumps(value).decode("utf-8", "replace")
    if len(text) > _JSON:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _system(attributes: Attributes) -> str | None:
    value = structure(attributes, semconv.SYSTEM_INSTRUCTIONS)
    return None if value is None else _words(value)


def _words(parts: Any) -> str:
    """What parts of a message say, one below the other."""
    listed = parts if isinstance(parts, list | tuple) else [parts]
    return "\n".join(_part(each) for each in listed)


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return in_lines(part)
    for name in _STRUCTURES:
        value = part.get(name)
        value = values.read(value) if isinstance(value, str) else value
        if isinstance(value, Mapping | list):
            head = [part.get(each) for each in ("type", "name", "id")]
            words = [each for each in head if isinstance(each, str)]
            return f"{' '.join(words)}\n{in_lines(value)}"
    return described(part)


# Members of a part that may have a structure.
_STRUCTURES: Final = (
    "arguments",
    "response",
    "result",
    "server_tool_call",
    "server_tool_call_response",
)


# --- tools ------------------------------------------------------------------------------------


def _tools(one: Attributes, other: Attributes, effort: Effort) -> tuple[tuple[Text, ...], int]:
    """Definitions that differ, and how many are the same."""
    a, b = (_defined(each) for each in (one, other))
    differing = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    texts = (_text(name, a.get(name), b.get(name), effort) for name in differing)
    return tuple(filter(None, texts)), len({**a, **b}) - len(differing)


def _defined(attributes: Attributes) -> dict[str, str]:
    """Definitions of tools by name; of several with one name, the later ones have a number."""
    value = structure(attributes, semconv.TOOL_DEFINITIONS)
    listed = value if isinstance(value, list | tuple) else [] if value is None else [value]
    told: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for each in listed:
        name = _named(each)
        numbers[name] += 1
        number = numbers[name]
        told[name if number == 1 else f"{name} ({number})"] = in_lines(each)
    return told


def _named(tool: Any) -> str:
    for each in objects(tool):
        inner = each.get("function")
        for holder in (each, inner if isinstance(inner, Mapping) else {}):
            if isinstance(name := holder.get("name") or holder.get("type"), str):
                return name
    return "(no name)"


# --- messages ---------------------------------------------------------------------------------


def _messages(
    title: str, name: str, one: Attributes, other: Attributes, effort: Effort
) -> Messages | None:
    a, b = (_list(attributes, name) for attributes in (one, other))
    if a is None and b is None:
        return None
    a, b = a or [], b or []
    found = blocks([wire.dumps(each) for each in a], [wire.dumps(each) for each in b])
    said: list[Said] = []
    left_out = 0
    output = name == semconv.OUTPUT_MESSAGES
    for block in found:
        if block.same:
            said.append(Said("same", block.a.stop - block.a.start))
            continue
        room = max(0, _MESSAGES - sum(each.kind != "same" for each in said))
        pairs = list(_paired(a[block.a], b[block.b]))
        left_out += max(0, len(pairs) - room)
        said += [_said(*each, output, effort) for each in pairs[:room]]
    coarse = any(block.coarse for block in found)
    return Messages(title, name, tuple(said), left_out, coarse)


def _list(attributes: Attributes, name: str) -> list[Any] | None:
    value = structure(attributes, name)
    if value is None:
        return None
    return list(value) if isinstance(value, list | tuple) else [value]


_NOTHING: Final = object()


def _paired(a: Sequence[Any], b: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Messages that stand in each other's place, if the same role says them."""
    for index in range(max(len(a), len(b))):
        one = a[index] if index < len(a) else _NOTHING
        other = b[index] if index < len(b) else _NOTHING
        if one is _NOTHING or other is _NOTHING or _role(one) == _role(other):
            yield one, other
        else:
            yield one, _NOTHING
            yield _NOTHING, other


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, Mapping) else None
    return role if isinstance(role, str) else ""


def _said(a: Any, b: Any, output: bool, effort: Effort) -> Said:
    if a is _NOTHING or b is _NOTHING:
        kind, message = ("b", b) if a is _NOTHING else ("a", a)
        (bubble,) = chat.bubbles([message], output=output, plain=True) or [Bubble("", ())]
        return Said(kind, 1, bubble)
    found = compared(_message(a), _message(b), effort)
    return Said("changed", 1, role=_role(a) or "(no role)", found=found)


def _message(message: Any) -> str:
    if not isinstance(message, Mapping):
        return in_lines(message)
    rest = {key: value for key, value in message.items() if key not in ("role", "parts")}
    finish = rest.pop("finish_reason", None)
    told = [_words(message.get("parts"))]
    told += [f"finish: {finish}"] if finish is not None else []
    told += [in_lines(rest)] if rest else []
    return "\n".join(told)
