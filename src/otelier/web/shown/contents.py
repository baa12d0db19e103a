"""What two steps were given and gave, beside each other: texts, tools, messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otelier import semconv, wire
from otelier.viewer.facts import Attributes, objects, structure
from otelier.web.shown import chat, lines
from otelier.web.shown.chat import Bubble
from otelier.web.shown.differing import blocks
from otelier.web.shown.texts import Compared, Effort, compared

# Messages of a list that differ and are shown.
_MESSAGES: Final = 40
# Content that is one text: what it is called, and its attributes, of which a span has one.
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Arguments": (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS),
    "Query": (semconv.RETRIEVAL_QUERY,),
    "Documents": (semconv.RETRIEVAL_DOCUMENTS,),
    "Result": (semconv.TOOL_CALL_RESULT, semconv.RESULT),
}


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


# --- texts ------------------------------------------------------------------------------------


def system(one: Attributes, other: Attributes, effort: Effort) -> Text | None:
    """The system instructions."""
    a, b = (structure(each, semconv.SYSTEM_INSTRUCTIONS) for each in (one, other))
    told = [None if each is None else lines.parts(each) for each in (a, b)]
    return _text("System instructions", told[0], told[1], effort)


def texts(one: Attributes, other: Attributes, effort: Effort) -> Iterator[Text]:
    """What a tool, a retrieval or an agent was given, and gave."""
    for title, names in _TEXTS.items():
        text = _text(title, _value(one, names), _value(other, names), effort)
        if text is not None:
            yield text


def _value(attributes: Attributes, names: Sequence[str]) -> str | None:
    for name in names:
        if attributes.get(name) is not None:
            return lines.in_lines(structure(attributes, name))
    return None


def _text(title: str, a: str | None, b: str | None, effort: Effort) -> Text | None:
    if a is None and b is None:
        return None
    only = "b" if a is None else "a" if b is None else ""
    return Text(title, compared(a or "", b or "", effort), only)


# --- tools ------------------------------------------------------------------------------------


def tools(one: Attributes, other: Attributes, effort: Effort) -> tuple[tuple[Text, ...], int]:
    """Definitions that differ, and how many are the same."""
    a, b = (_defined(each) for each in (one, other))
    differing = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    told = (_text(name, a.get(name), b.get(name), effort) for name in differing)
    return tuple(filter(None, told)), len({**a, **b}) - len(differing)


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
        told[name if number == 1 else f"{name} ({number})"] = lines.in_lines(each)
    return told


def _named(tool: Any) -> str:
    for each in objects(tool):
        inner = each.get("function")
        inner = inner if isinstance(inner, Mapping) else {}
        for name in (each.get("name"), inner.get("name"), each.get("type")):
            if isinstance(name, str) and name:
                return name
    return "(no name)"


# --- messages ---------------------------------------------------------------------------------


def messages(
    title: str, name: str, one: Attributes, other: Attributes, effort: Effort
) -> Messages | None:
    """The lists of an attribute. Messages in the same place that one role says are compared."""
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
    found = compared(lines.message(a), lines.message(b), effort)
    return Said("changed", 1, role=_role(a) or "(no role)", found=found)
