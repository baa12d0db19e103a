"""What an agent or a workflow was asked and what it answered, as the conventions' messages.

A text is the user's message, or the assistant's; a list of chat messages is taken as it is, in the
shapes of OpenAI, Anthropic, Gemini, or the conventions'. Of a function's arguments the one that is
the message is found by its name; without a telling name, a text that is no id or option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import unicode, wire
from otelier.protocols import Message, Part, Texts, function_definition
from otelier.scope import Scope

# A longer text, and a list of messages, are not recorded twice: the messages have them.
TWICE: Final = 4096

# Words in the names of arguments: of the user's message, never of it, and not of it by themselves.
_TELLING: Final = frozenset(
    {"question", "message", "messages", "prompt", "input", "query", "text", "request", "task"}
    | {"chat", "content", "goal", "topic"}
)
_NEVER: Final = frozenset(
    {"id", "ids", "uid", "uuid", "key", "token", "url", "uri", "path", "file", "lang", "language"}
    | {"locale", "kind", "mode", "type", "format", "model", "role", "system", "instructions"}
    | {"template"}
)
_OTHER: Final = _NEVER | {"user", "session", "thread", "tenant", "customer", "provider", "name"}
# Content blocks that only one of the protocols has.
_ANTHROPIC: Final = ("tool_use", "tool_result", "thinking", "image", "document")
_RESPONSES: Final = frozenset({"input_text", "input_image", "input_file", "output_text"})


class Conversation:
    """What one run is asked and answers, as it becomes known."""

    __slots__ = ("_asked", "_most", "_said", "_size", "_texts", "system", "tools")

    def __init__(self, most: int) -> None:
        """``most``: how many characters of a generator's texts are kept."""
        self._most = most
        self._asked: list[Message] = []
        self._said: list[Message] = []
        self._texts: Texts | None = None
        self._size = 0
        # The instructions and the tools of an agent, as parts and definitions.
        self.system: list[Part] = []
        self.tools: list[dict[str, Any]] = []

    def asks(self, value: Any) -> tuple[list[Message], Any]:
        """What goes in: its messages, and what of it is in none of them."""
        self._asked, rest = heard(value)
        return self._asked, rest

    def answers(self, value: Any) -> tuple[list[Message], Any]:
        """What comes out: its messages, and what of it is in none of them."""
        self._said, rest = said(value)
        return self._said, rest

    def instructs(self, text: Any) -> None:
        """The instructions of an agent."""
        self.system = instructions(text)

    def offers(self, definitions: Any) -> None:
        """The tools of an agent."""
        self.tools = offered(definitions)

    def hear(self, item: Any) -> None:
        """An item of a generator: texts are the answer; with others among them, there is none."""
        if type(item) is not str:
            self._texts, self._size = None, -1
        elif 0 <= self._size <= self._most:
            if self._texts is None:
                self._texts = Texts()
            self._texts.add(item)
            self._size += len(item)

    def messages(self, scope: Scope, released: bool) -> tuple[list[Message], list[Message]]:
        """What was asked and what was answered, at the end.

        Where nobody said, of a loop of requests: what its first one asked and its last one was
        answered. The released conventions want a reason in each answer (``Reply.output``).
        """
        answer = self._said
        if not answer and self._texts is not None:
            answer = spoken("assistant", str(self._texts))
        if released and len(answer) == len(scope.reasons) == 1:
            answer = [{**answer[0], "finish_reason": scope.reasons[0]}]
        return self._asked or scope.asked or [], answer or scope.answer or []


def instructions(text: Any) -> list[Part]:
    """The parts that a text of instructions is."""
    said = _text(text)
    return [{"type": "text", "content": said}] if said else []


def offered(definitions: Any) -> list[dict[str, Any]]:
    """Definitions of functions, flat or as OpenAI's, as the conventions'."""
    return [
        function_definition({"type": "function", **wire.fields(raw.get("function") or raw)})
        for raw in map(wire.fields, wire.items(definitions))
    ]


def heard(value: Any) -> tuple[list[Message], Any]:
    """What the user said, and what of ``value`` is not in it.

    ``value`` is a text, a list of chat messages, or a function's arguments by their names.
    """
    if issubclass(type(value), dict):
        return _among(wire.fields(value))
    return _of("user", value)


def said(value: Any) -> tuple[list[Message], Any]:
    """What the assistant said: a text, a chat message, or a list of them; and what is not in it."""
    if _is_message(value):
        return _messages([value]), None
    return _of("assistant", value)


def _of(role: str, value: Any) -> tuple[list[Message], Any]:
    text = _text(value)
    if text is not None:
        return spoken(role, text), None if len(text) > TWICE else text
    if _are_messages(value):
        return _messages(value), None
    return [], value


def _text(value: Any) -> str | None:
    """A text, in the form that none of the program's code has a part in; None for all else."""
    return unicode.clean(value) if issubclass(type(value), str) else None


def spoken(role: str, text: str) -> list[Message]:
    """One message of a text; none of an empty one."""
    return [{"role": role, "parts": [{"type": "text", "content": text}]}] if text else []


def _among(arguments: Mapping[str, Any]) -> tuple[list[Message], Any]:
    """The history, if there is one, and the text that is the message."""
    found: list[Message] = []
    taken = set()
    for name, value in arguments.items():
        if _are_messages(value):
            found = _messages(value)
            taken.add(name)
            break
    texts = {name: text for name, value in arguments.items() if (text := _text(value))}
    telling = [name for name in texts if _tells(name)]
    if not telling and not found:
        telling = [name for name in texts if not _words(name) & _OTHER]
    if telling:
        text = texts[telling[0]]
        message = spoken("user", text)
        if found[-1:] != message:
            found += message
        if len(text) > TWICE:
            taken.add(telling[0])
    return found, {name: value for name, value in arguments.items() if name not in taken}


def _words(name: str) -> set[str]:
    return set(name.lower().split("_"))


def _tells(name: str) -> bool:
    words = _words(name)
    return bool(words & _TELLING) and not words & _NEVER


def _are_messages(value: Any) -> bool:
    found = wire.items(value)
    return bool(found) and all(map(_is_message, found))


def _is_message(value: Any) -> bool:
    """A chat message by its shape; nothing of an object that is no SDK's model is looked at."""
    raw = wire.fields(value)
    if not issubclass(type(raw.get("role")), str):
        return _is_item(raw)
    return "content" in raw or "parts" in raw or "tool_calls" in raw


def _is_item(raw: wire.Wire) -> bool:
    """An item of OpenAI's Responses that is no message: a call of a function, its result, …"""
    kind = raw.get("type")
    return type(kind) is str and kind.endswith(("_call", "_call_output", "reasoning"))


def _messages(value: Any) -> list[Message]:
    """Chat messages of any of the protocols, each by its own."""
    # Protocols are read when a program has messages of its own; most have a text.
    from otelier.protocols.anthropic import messages as anthropic_messages
    from otelier.protocols.gemini import content as gemini
    from otelier.protocols.openai import chat as openai_chat
    from otelier.protocols.openai import responses as openai_responses

    raws = [wire.fields(item) for item in wire.items(value)]
    if any(map(_of_responses, raws)):
        return openai_responses.messages(raws)
    found: list[Message] = []
    for raw in raws:
        if "parts" in raw:
            if all("type" in wire.fields(part) for part in wire.items(raw["parts"])):
                found.append(wire.plain({"role": raw["role"], "parts": raw["parts"]}))
            else:
                found += gemini.content({"contents": [raw]}).messages
        elif any(kind.endswith(_ANTHROPIC) for kind in _kinds(raw)):
            found += anthropic_messages.content({"messages": [raw]}).messages
        else:
            found += openai_chat.content({"messages": [raw]}).messages
    return found


def _kinds(raw: wire.Wire) -> set[str]:
    blocks = (wire.fields(block) for block in wire.items(raw.get("content")))
    return {kind for kind in (block.get("type") for block in blocks) if type(kind) is str}


def _of_responses(raw: wire.Wire) -> bool:
    if "role" not in raw or raw.get("type") == "message":
        return True
    return bool(_kinds(raw) & _RESPONSES)
