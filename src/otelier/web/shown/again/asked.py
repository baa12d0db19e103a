"""What a model call's span says of its request, every value checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from otelier import semconv, wire
from otelier.protocols.openai.chat import definition
from otelier.redaction import MARK
from otelier.viewer import messages as said
from otelier.viewer.facts import Attributes, objects, structure
from otelier.web.shown.again.depth import deeper
from otelier.web.shown.again.notes import Notes

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was recorded."""

    attributes: Attributes
    model: str
    stream: bool
    provider: str
    """Whose the host is, ``?`` where nobody knows."""
    notes: Notes


# Levels that all who write JSON can follow.
_DEEPEST: Final = 200
_CUT: Final = "values that are nested very deeply are cut, with a mark where more was"


def _told(asked: Asked, name: str) -> Any:
    """An attribute's value that may be JSON."""
    value = structure(asked.attributes, name)
    if not deeper(value, _DEEPEST):
        return value
    asked.notes.add(_CUT)
    return wire.plain(value)


class Turn(NamedTuple):
    """A message."""

    role: str
    parts: tuple[Part, ...]
    name: str


class Media(NamedTuple):
    """An image, audio or a file: its base64, its address, or its id with the provider."""

    modality: str
    mime_type: str
    data: str = ""
    uri: str = ""
    file_id: str = ""

    @property
    def url(self) -> str:
        """An address that has the data in it, where they are in the message."""
        return self.uri or f"data:{self.mime_type};base64,{self.data}"


# --- messages ---------------------------------------------------------------------------------

_WRONG: Final = "messages that are not in the shape of the conventions are left out"
_UNRECORDED: Final = "messages are not recorded, an empty list stands in their place"


def turns(asked: Asked) -> list[Turn]:
    """The messages that were sent."""
    told = _told(asked, semconv.INPUT_MESSAGES)
    if not told:
        asked.notes.add(_UNRECORDED)
        return []
    found: list[Turn] = []
    for message in told if isinstance(told, list | tuple) else [told]:
        parts = message.get("parts") if isinstance(message, Mapping) else None
        if not isinstance(parts, list | tuple):
            asked.notes.add(_WRONG)
            continue
        if any(not isinstance(part, Mapping) for part in parts):
            asked.notes.add(_WRONG)
        found.append(
            Turn(word(message.get("role")), tuple(objects(parts)), word(message.get("name")))
        )
    return found


def system(asked: Asked) -> list[str]:
    """The texts of the instructions that stand beside the messages."""
    told = _told(asked, semconv.SYSTEM_INSTRUCTIONS)
    if isinstance(told, str):
        return [told]
    found = []
    for part in objects(told):
        if part.get("type") == "text":
            found.append(as_text(part.get("content")))
        else:
            left_out(part, asked.notes)
    return found


def tools(asked: Asked) -> list[dict[str, Any]]:
    """The tools that were offered: ``type``, ``name``, and what else is recorded of each."""
    found = [definition(tool) for tool in objects(_told(asked, semconv.TOOL_DEFINITIONS))]
    for tool in found:
        if tool["type"] == "function" and not tool.keys() & {"description", "parameters"}:
            asked.notes.add("description and parameters of tools are not recorded", tool["name"])
    return found


# --- parts ------------------------------------------------------------------------------------

_LEFT_OUT: Final[Mapping[str, str]] = {
    "reasoning": "reasoning is left out: providers want it signed, and no signature is recorded",
    "compaction": "compacted history is left out: it is not recorded",
    "server_tool_call": "what tools of the provider did is left out: it is not recorded whole",
}
_SAME: Final[Mapping[str, str]] = {
    "redacted_reasoning": "reasoning",
    "server_tool_call_response": "server_tool_call",
}
_NO_DATA: Final = "images and files are left out where their data is not recorded"
_UPLOADED: Final = "images and files are left out where their data was uploaded"
_NO_PLACE: Final = "parts are left out for which this request has no place"
_KINDS: Final = frozenset(_LEFT_OUT) | frozenset(_SAME) | {"text", "unknown", ""}
_AS_RECORDED: Final = "parts of a kind that the conventions do not know are sent as recorded"


def left_out(part: Part, notes: Notes) -> None:
    """Say that a part is not in the request."""
    kind = word(part.get("type"))
    kind = _SAME.get(kind, kind)
    if kind in _LEFT_OUT:
        notes.add(_LEFT_OUT[kind])
    else:
        notes.add(_NO_PLACE, said.described(part))


def as_recorded(part: Part, notes: Notes) -> dict[str, Any] | None:
    """A part of a kind that is the provider's own, as it came; None where it is none."""
    kind = word(part.get("type"))
    if kind in _MEDIA:
        return None  # Which :func:`media` has told of.
    if kind in _KINDS:
        left_out(part, notes)
        return None
    notes.add(_AS_RECORDED, kind)
    return dict(part)


_MEDIA: Final = frozenset({"blob", "uri", "file"})


def media(part: Part, notes: Notes) -> Media | None:
    """An image, audio or a file, where the span has what the request had; else None, with a note.

    None without a note: the part is something else.
    """
    kind = word(part.get("type"))
    if kind not in _MEDIA:
        return None
    found = Media(word(part.get("modality")), word(part.get("mime_type")))
    data = word(part.get("content"))
    if kind == "file" and word(part.get("file_id")):
        return found._replace(file_id=word(part.get("file_id")))
    if kind == "uri" and word(part.get("uri")) and "sha256" not in part:
        return found._replace(uri=word(part.get("uri")))
    # What was cut ends with a mark, which no base64 has.
    if kind == "blob" and data and data.isascii() and found.mime_type:
        return found._replace(data=data)
    notes.add(_UPLOADED if kind == "uri" else _NO_DATA, said.described(part))
    return None


def response(part: Part) -> Any:
    """What a tool gave back."""
    return part.get("response", part.get("result"))


def arguments(part: Part) -> Any:
    """A call's arguments as data; None where there are none."""
    return wire.parsed(part.get("arguments"))


def as_text(value: Any) -> str:
    """A value as a text: JSON, but for what is one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else wire.encoded(value).decode()


def word(value: Any) -> str:
    """A text, or an empty one."""
    return value if isinstance(value, str) else ""


# --- what holds for all -----------------------------------------------------------------------


def losses(attributes: Attributes, text: str) -> Iterator[str]:
    """What of a span's content is not as it was sent; ``text`` is the request as JSON."""
    if attributes.get(semconv.CONTENT_TRUNCATED):
        yield "content was cut when it was recorded" + said.missing(attributes)
    masked = text.count(MARK.decode())
    if masked:
        yield f"secrets were masked when they were recorded: {MARK.decode()} stands there"
