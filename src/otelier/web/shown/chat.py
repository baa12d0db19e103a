"""Messages as a chat: who said what, calls of tools beside their results."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

from markupsafe import Markup

from otelier.viewer.messages import RESPONSES, described
from otelier.web.shown import markdown, values
from otelier.web.shown.values import PAGE, Bounds, Room, Value

# Characters of base64 of an image that is shown.
_IMAGE: Final = 4_000_000
# What a browser draws and runs nothing of.
_DRAWN: Final = re.compile(r"image/(?:png|jpeg|gif|webp)")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+=*\s*")
CALLS: Final = {"tool_call": "arguments", "server_tool_call": "server_tool_call"}
RESULTS: Final = {
    "tool_call_response": RESPONSES,
    "server_tool_call_response": ("server_tool_call_response",),
}
_MEDIA: Final = frozenset({"blob", "file", "uri"})


@dataclass(frozen=True, slots=True)
class Ran:
    """The step that a call of a tool led to."""

    span_id: str
    seconds: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message."""

    kind: str
    """``text``, ``reasoning``, ``call``, ``result``, ``media`` or ``other``."""
    text: str = ""
    cut: int = 0
    """How many characters are not shown."""
    html: Markup | None = None
    """The text, where it is to be shown as Markdown."""
    data: Value | None = None
    """The text, where it is JSON."""
    name: str = ""
    id: str = ""
    image: str = ""
    """A URL with the picture in it."""
    answer: Part | None = None
    """Of a call its result."""
    ran: Ran | None = None


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message."""

    role: str
    parts: tuple[Part, ...]
    finish: str = ""
    output: bool = False
    """Whether it is the answer of the call that is shown."""
    left_out: int = 0
    """How many parts are not shown."""
    left_what: str = "parts"
    """What these are: ``parts``, or further ``messages``."""


@dataclass(frozen=True, slots=True)
class _How:
    """How messages are read."""

    output: bool = False
    plain: bool = False
    ran: Mapping[str, Ran] = field(default_factory=dict)
    bounds: Bounds = PAGE


def bubbles(
    messages: Any,
    before: Sequence[Any] = (),
    *,
    output: bool = False,
    plain: bool = False,
    ran: Mapping[str, Ran] | None = None,
    bounds: Bounds = PAGE,
) -> list[Bubble]:
    """A list of messages, whatever it is. Results of tools stand beside the calls before them.

    ``before``: messages that are not shown; their calls are, beside results that are. ``plain``: no
    Markdown. ``ran``: the steps that ran tools, by the ids of the calls.
    """
    how = _How(output, plain, ran or {}, bounds)
    told = messages if isinstance(messages, list | tuple) else [messages]
    made = [_bubble(each, how) for each in told[: bounds.messages]]
    wanted = {part.id for each in made for part in each.parts if part.kind == "result"}
    calls = {part.id: part for each in before for part in _called(each, wanted, how)}
    rest = len(told) - len(made)
    more = [Bubble("…", (), output=output, left_out=rest, left_what="messages")] if rest else []
    return [*_paired(made, calls), *more]


def parts(told: Any, plain: bool = False, bounds: Bounds = PAGE) -> tuple[Part, ...]:
    """Parts without a message, such as system instructions."""
    return _bubble({"role": "", "parts": told}, _How(plain=plain, bounds=bounds)).parts


def part_of(text: str, plain: bool = True) -> Part:
    """A text by itself: as JSON where it is some, else as it is."""
    return _text("text", text, _How(plain=plain))


def part_of_value(told: Any, bounds: Bounds = PAGE) -> Part:
    """A value that may be a text with JSON in it."""
    return _said("other", told, bounds)


def _bubble(message: Any, how: _How) -> Bubble:
    if not isinstance(message, Mapping):
        shown = (part_of_value(message, how.bounds),)
        return Bubble("(not a message)", shown, output=how.output)
    told = message.get("parts")
    listed = told if isinstance(told, list | tuple) else [told]
    most = how.bounds.parts
    return Bubble(
        _word(message.get("role")) or "(no role)",
        tuple(_part(each, how) for each in listed[:most]),
        _word(message.get("finish_reason")),
        how.output,
        max(0, len(listed) - most),
    )


def _called(message: Any, wanted: Set[str], how: _How) -> Iterator[Part]:
    """The calls of a message that are asked for by their ids."""
    told = message.get("parts") if isinstance(message, Mapping) else None
    for part in told[: how.bounds.parts] if isinstance(told, list | tuple) else ():
        if not isinstance(part, Mapping) or _word(part.get("type")) not in CALLS:
            continue
        if _word(part.get("id")) in wanted:
            yield _part(part, how)


def _part(part: Any, how: _How) -> Part:
    bounds = how.bounds
    if not isinstance(part, Mapping):
        return part_of_value(part, bounds)
    kind = _word(part.get("type"))
    if kind in ("text", "reasoning") and isinstance(part.get("content"), str):
        return _text(kind, part["content"], how)
    if kind in CALLS:
        call_id = _word(part.get("id"))
        said = _said("call", part.get(CALLS[kind]), bounds)
        return replace(said, name=_word(part.get("name")), id=call_id, ran=how.ran.get(call_id))
    if kind in RESULTS:
        told = next((part[key] for key in RESULTS[kind] if part.get(key) is not None), None)
        return replace(_said("result", told, bounds), id=_word(part.get("id")))
    if kind in _MEDIA:
        return _cut(Part("media", described(part), image=_image(part)), bounds)
    rest = {k: v for k, v in part.items() if k != "type"}
    return replace(_said("other", rest, bounds), name=kind)


def _text(kind: str, text: str, how: _How) -> Part:
    data = values.read(text)
    if data is not None:
        return Part(kind, data=values.value(data, bounds=how.bounds))
    shown = how.bounds.room.some(text, how.bounds.text)
    html = None if how.plain else _read(shown, how.bounds.room)
    return Part(kind, shown, len(text) - len(shown), html)


def _read(text: str, room: Room) -> Markup | None:
    """The text as Markdown; None where too much time was spent on that already."""
    if room.markdown <= 0:
        return None
    began = time.thread_time()
    html = markdown.html(text)
    room.markdown -= time.thread_time() - began
    return html


def _said(kind: str, told: Any, bounds: Bounds) -> Part:
    """A value: a text as it is, all else as a tree."""
    if told is None:
        return Part(kind)
    if isinstance(told, str):
        data = values.read(told)
        if data is None:
            return _cut(Part(kind, told), bounds)
        told = data
    return Part(kind, data=values.value(told, bounds=bounds))


def _cut(part: Part, bounds: Bounds) -> Part:
    shown = bounds.room.some(part.text, bounds.text)
    return replace(part, text=shown, cut=len(part.text) - len(shown))


def _image(part: Mapping[str, Any]) -> str:
    """A picture that is in the message. One that is elsewhere is not asked for."""
    mime, content = _word(part.get("mime_type")), part.get("content")
    if not isinstance(content, str) or not 0 < len(content) <= _IMAGE:
        return ""
    if not _DRAWN.fullmatch(mime) or not _BASE64.fullmatch(content):
        return ""
    return f"data:{mime};base64,{content}"


def _paired(made: Iterable[Bubble], before: Mapping[str, Part]) -> Iterator[Bubble]:
    """The messages, results of tools moved to the calls before them."""
    kept: list[list[Part]] = []
    told: list[Bubble] = []
    # Where a call is that has no result yet.
    open_calls: dict[str, tuple[int, int]] = {}
    for bubble in made:
        rest: list[Part] = []
        for part in bubble.parts:
            where = open_calls.pop(part.id, None) if part.kind == "result" else None
            if where is not None:
                at, index = where
                kept[at][index] = replace(kept[at][index], answer=part)
            elif part.kind == "result" and part.id in before:
                rest.append(replace(before[part.id], answer=part))
            else:
                rest.append(part)
        if bubble.parts and not rest and not bubble.left_out:
            continue
        for index, part in enumerate(rest):
            if part.kind == "call" and part.id and part.answer is None:
                open_calls[part.id] = (len(kept), index)
        kept.append(rest)
        told.append(bubble)
    for bubble, each in zip(told, kept, strict=True):
        yield replace(bubble, parts=tuple(each))


def _word(told: Any) -> str:
    return told if isinstance(told, str) else ""
