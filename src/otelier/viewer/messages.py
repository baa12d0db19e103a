"""What was said: the conversation on one span as labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otelier import semconv, wire
from otelier.viewer import text as txt
from otelier.viewer.facts import Attributes, objects, structure

_DIGEST: Final = 12

Part = Mapping[str, Any]
_Reader = Callable[[Any, int], "Iterator[Said]"]

_SAME: Final = {semconv.SYSTEM_INSTRUCTIONS: "system", semconv.TOOL_DEFINITIONS: "tools"}


@dataclass(frozen=True, slots=True)
class Said:
    """One text and whose it is, whole. Both are as recorded, still to be made harmless."""

    who: str
    text: str
    output: bool = False
    tail: str = ""
    """What is shown after the text even if that is cut."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What of a span's content stands above already."""

    messages: int = 0
    """How many of the first input messages."""
    names: tuple[str, ...] = ()
    """Attributes that are the same."""

    def __str__(self) -> str:
        same = [what for name, what in _SAME.items() if name in self.names]
        count = "1 earlier message" if self.messages == 1 else f"{self.messages:,} earlier messages"
        said = [count] if self.messages else []
        return ", ".join([*said, *(["same " + " and ".join(same)] if same else [])])


def conversation(
    attributes: Attributes, limit: int, earlier: Earlier | None = None
) -> Iterator[Said]:
    """All content of a span, in the order in which it came to be.

    Lists are shown to at most ``limit`` members; what is ``earlier`` becomes one line.
    """
    earlier = earlier or Earlier()
    left_out = {*again(attributes), *earlier.names}
    folded = str(earlier)
    for name, read in _CONTENT.items():
        if folded and name == semconv.INPUT_MESSAGES:
            yield Said("", f"({folded})")
        if attributes.get(name) is not None and name not in left_out:
            value = structure(attributes, name)
            if earlier.messages and name == semconv.INPUT_MESSAGES:
                value = value[earlier.messages :]
            yield from read(value, limit)
    if attributes.get(semconv.CONTENT_TRUNCATED):
        yield Said("note", "content was cut when it was recorded" + missing(attributes))


def missing(attributes: Attributes) -> str:
    """How much of a span's content was cut when it was recorded, behind a colon; or nothing."""
    said = []
    for name, what in (
        (semconv.CONTENT_TRUNCATED_CHARACTERS, "characters"),
        (semconv.CONTENT_DROPPED_MESSAGES, "messages"),
    ):
        number = attributes.get(name)
        if type(number) is int and number > 0:
            said.append(f"{number:,} {what} are missing")
    return f": {', '.join(said)}" if said else ""


def again(attributes: Attributes) -> Iterator[str]:
    """Arguments and results of agents and workflows that are nothing but a message's text."""
    for name, messages in (
        (semconv.ARGUMENTS, semconv.INPUT_MESSAGES),
        (semconv.RESULT, semconv.OUTPUT_MESSAGES),
    ):
        value = structure(attributes, name)
        if isinstance(value, Mapping) and len(value) == 1:
            (value,) = value.values()
        for message in objects(structure(attributes, messages)):
            for part in objects(message.get("parts")):
                if isinstance(value, str) and part.get("content") == value:
                    yield name


# --- attributes -------------------------------------------------------------------------------


def _instructions(value: Any, limit: int) -> Iterator[Said]:
    yield from _parts("system", value, limit, output=False)


def _input(value: Any, limit: int) -> Iterator[Said]:
    yield from _messages(value, limit, output=False)


def _output(value: Any, limit: int) -> Iterator[Said]:
    yield from _messages(value, limit, output=True)


def _tools(value: Any, limit: int) -> Iterator[Said]:
    names = [_word(tool.get("name")) or _word(tool.get("type")) or "?" for tool in objects(value)]
    yield Said("tools", ", ".join(names) if names else _compact(value))


def _documents(value: Any, limit: int) -> Iterator[Said]:
    if not isinstance(value, list | tuple):
        yield Said("documents", _compact(value), output=True)
        return
    for document in _shown(value, "documents", limit):
        if isinstance(document, Said):
            yield document
        else:
            yield Said("document", _document(document), output=True)


def _labelled(who: str, *, output: bool = False) -> _Reader:
    def read(value: Any, limit: int) -> Iterator[Said]:
        yield Said(who, _compact(value), output)

    return read


_CONTENT: Final[Mapping[str, _Reader]] = {
    semconv.ARGUMENTS: _labelled("arguments"),
    semconv.TOOL_CALL_ARGUMENTS: _labelled("arguments"),
    semconv.RETRIEVAL_QUERY: _labelled("query"),
    semconv.TOOL_DEFINITIONS: _tools,
    semconv.SYSTEM_INSTRUCTIONS: _instructions,
    semconv.INPUT_MESSAGES: _input,
    semconv.OUTPUT_MESSAGES: _output,
    semconv.RETRIEVAL_DOCUMENTS: _documents,
    semconv.TOOL_CALL_RESULT: _labelled("result", output=True),
    semconv.RESULT: _labelled("result", output=True),
}


# --- messages and parts -----------------------------------------------------------------------


def _messages(value: Any, limit: int, *, output: bool) -> Iterator[Said]:
    if not isinstance(value, list | tuple):
        yield Said("(not messages)", _compact(value), output)
        return
    for message in _shown(value, "messages", limit):
        if isinstance(message, Said):
            yield message
        elif isinstance(message, Mapping):
            who = _word(message.get("role")) or "(no role)"
            yield from _parts(who, message.get("parts"), limit, output=output)
        else:
            yield Said("(not a message)", _compact(message), output)


def _shown(members: Sequence[Any], what: str, limit: int) -> Iterator[Any]:
    """The members, without those in the middle of a very long list."""
    left_out = len(members) - limit
    if left_out <= 0:
        yield from members
        return
    yield from members[: limit // 4]
    yield Said("", f"({left_out:,} {what} left out)")
    yield from members[limit // 4 + left_out :]


def _parts(who: str, value: Any, limit: int, *, output: bool) -> Iterator[Said]:
    parts = value if isinstance(value, list | tuple) else [value]
    for part in _shown(parts, "parts", limit):
        if isinstance(part, Said):
            yield part
        elif isinstance(part, Mapping):
            kind = _word(part.get("type"))
            tail = _id(part) if kind in _CALLS else ""
            yield Said(who, described(part), output, tail)
        else:
            yield Said(who, _compact(part), output)


_CALLS: Final = frozenset({"tool_call", "server_tool_call"})


def _text(part: Part) -> str:
    return _compact(part.get("content"))


def _reasoning(part: Part) -> str:
    return f"(thinking) {_text(part)}"


def _tool_call(part: Part) -> str:
    return _call(part, part.get("arguments"))


# Where the result of a tool is; the conventions' name first.
RESPONSES: Final = ("response", "result", "content")


def _tool_response(part: Part) -> str:
    return _result(part, _first(part, RESPONSES))


def _server_call(part: Part) -> str:
    return _call(part, part.get("server_tool_call"))


def _server_response(part: Part) -> str:
    return _result(part, part.get("server_tool_call_response"))


def _call(part: Part, arguments: Any) -> str:
    given = "" if arguments is None else _compact(arguments)
    return f"calls {_word(part.get('name')) or '?'}({given})"


def _result(part: Part, response: Any) -> str:
    return f"result{_id(part)}: {_compact(response)}"


def _id(part: Part) -> str:
    identifier = _word(part.get("id"))
    return f" #{identifier}" if identifier else ""


def _compaction(part: Part) -> str:
    return f"(compacted) {_text(part)}"


def _media(part: Part) -> str:
    """``[image image/png 12.3 kB sha256 ab12…]`` for what is in a message or referred to by it."""
    facts = [_word(part.get("modality")) or _word(part.get("type"))]
    facts.append(_word(part.get("mime_type")))
    bytes_ = _first(part, ("size", "bytes", "size_bytes", "byte_size"))
    content = part.get("content")
    if wire.count(bytes_) is None and isinstance(content, str):
        bytes_ = len(content) * 3 // 4 - content.endswith("=") - content.endswith("==")
    if (count := wire.count(bytes_)) is not None and (count or bytes_ is not None):
        facts.append(txt.size(count))
    digest = _word(_first(part, ("sha256", "digest", "hash")))
    if digest:
        facts.append(f"sha256 {digest[:_DIGEST]}…")
    facts.append(_word(part.get("uri")) or _word(part.get("file_id")))
    return f"[{' '.join(fact for fact in facts if fact)}]"


def _other(part: Part) -> str:
    return f"[{_word(part.get('type')) or 'part'}] {_compact(part)}"


def described(part: Part) -> str:
    """A part of a message in one text."""
    return _PARTS.get(_word(part.get("type")), _other)(part)


_PARTS: Final[Mapping[str, Callable[[Part], str]]] = {
    "text": _text,
    "reasoning": _reasoning,
    "tool_call": _tool_call,
    "tool_call_response": _tool_response,
    "server_tool_call": _server_call,
    "server_tool_call_response": _server_response,
    "blob": _media,
    "file": _media,
    "uri": _media,
    "compaction": _compaction,
}


def _document(document: Any) -> str:
    if not isinstance(document, Mapping):
        return _compact(document)
    score = wire.number(document.get("score"))
    facts = [_compact(document.get("id")) if document.get("id") is not None else ""]
    facts.append("" if score is None else f"({score:.3f})")
    rest = {key: value for key, value in document.items() if key not in ("id", "score")}
    body = _first(rest, ("content", "text", "page_content", "title"))
    facts.append(_compact(body) if body is not None else _compact(rest) if rest else "")
    return " ".join(fact for fact in facts if fact)


# --- values -----------------------------------------------------------------------------------


def _first(part: Part, keys: Sequence[str]) -> Any:
    return next((part[key] for key in keys if part.get(key) is not None), None)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _compact(value: Any) -> str:
    """A value in one text: strings as they are, the rest as JSON."""
    if value is None:
        return "(nothing)"
    if not isinstance(value, str):
        return wire.dumps(value).decode("utf-8", "replace")
    return value
