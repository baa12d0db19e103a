"""OpenAI Responses, made anew.

Wire format: OpenAI API reference, "Create a model response".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import protocols, semconv, wire
from otelier.protocols import Parameter
from otelier.viewer.facts import text
from otelier.web.shown.again import asked as recorded
from otelier.web.shown.again import openai_sdk
from otelier.web.shown.again.asked import Asked, Media, Part, Turn, as_text, word
from otelier.web.shown.again.made import Again, Program
from otelier.web.shown.again.notes import Notes

PATH: Final = "/responses"
UNRECORDED: Final = (
    "tool_choice, parallel_tool_calls, max_tool_calls, include, text.format, text.verbosity, "
    "reasoning.summary, store, background, stream_options, truncation, context_management, "
    "metadata, user, safety_identifier, prompt_cache_key, encrypted reasoning, id and status and "
    "phase of items, detail of images, filename of files, strict of tools, format of custom tools, "
    "spacing of arguments"
)
_PARAMETERS: Final[tuple[Parameter, ...]] = (
    (semconv.REQUEST_MAX_TOKENS, "max_output_tokens", wire.count),
    (semconv.REQUEST_TEMPERATURE, "temperature", wire.number),
    (semconv.REQUEST_TOP_P, "top_p", wire.number),
    (semconv.REQUEST_PREVIOUS_RESPONSE_ID, "previous_response_id", wire.text),
    (semconv.OPENAI_REQUEST_SERVICE_TIER, "service_tier", wire.text),
)
# Prompts and conversations that OpenAI keeps, by their ids; others are names of the program's.
_STORED_PROMPT: Final = "pmpt_"
_CONVERSATION: Final = "conv_"
# Tools of OpenAI's that work without options, and those that the application runs.
_WITHOUT_OPTIONS: Final = ("web_search", "image_generation", "local_shell", "apply_patch")
_RUN_HERE: Final = frozenset({"computer", "local_shell", "shell", "apply_patch", "tool_search"})
# Items that were recorded as they came.
_ITEMS: Final = frozenset({"item_reference", "mcp_approval_response", "additional_tools"})
_TEXTS: Final = ("input_text", "output_text")
_ROLES: Final = {"model": "assistant", "tool": "user", "function": "user", "": "user"}


def body(asked: Asked) -> dict[str, Any]:
    """The request's JSON."""
    found: dict[str, Any] = {"model": asked.model}
    instructions = recorded.system(asked)
    if instructions:
        found["instructions"] = "\n".join(instructions)
    tools = recorded.tools(asked)
    found["input"] = list(_Items({tool["name"]: tool["type"] for tool in tools}, asked).made())
    offered = [made for tool in tools if (made := _tool(tool, asked.notes))]
    if offered:
        found["tools"] = offered
    found |= protocols.parameters(asked.attributes, _PARAMETERS)
    effort = text(asked.attributes, semconv.REQUEST_REASONING_LEVEL)
    if effort:
        found["reasoning"] = {"effort": effort}
    _output(asked, found)
    _kept_there(asked, found)
    if asked.attributes.get(semconv.BACKGROUND) is True:
        found["background"] = True
    if asked.stream:
        found["stream"] = True
    return found


def _output(asked: Asked, found: dict[str, Any]) -> None:
    wanted = text(asked.attributes, semconv.OUTPUT_TYPE)
    if wanted == "text":
        found["text"] = {"format": {"type": "text"}}
    elif wanted:
        asked.notes.add("text.format was set and is not recorded, the answer was to be", wanted)


def _kept_there(asked: Asked, found: dict[str, Any]) -> None:
    """What OpenAI keeps: a prompt is only read; a conversation would have one more turn."""
    name = text(asked.attributes, semconv.PROMPT_NAME)
    if name.startswith(_STORED_PROMPT):
        version = text(asked.attributes, semconv.PROMPT_VERSION)
        found["prompt"] = {"id": name, **({"version": version} if version else {})}
        asked.notes.add("variables of the prompt are not recorded", name)
    conversation = text(asked.attributes, semconv.CONVERSATION_ID)
    if conversation.startswith(_CONVERSATION):
        asked.notes.add(
            "conversation is left out, what was said in it before is missing", conversation
        )


class _Items:
    """Messages as items."""

    def __init__(self, kinds: dict[str, str], asked: Asked) -> None:
        self._asked = asked
        self._notes = asked.notes
        self._kinds = kinds
        # Ids of calls: custom ones, and those that are left out.
        self._custom: set[str] = set()
        self._gone: set[str] = set()

    def made(self) -> Iterator[dict[str, Any]]:
        """The items, in order."""
        for turn in recorded.turns(self._asked):
            yield from self._turn(turn)

    def _turn(self, turn: Turn) -> Iterator[dict[str, Any]]:
        role = _ROLES.get(turn.role, turn.role)
        content: list[dict[str, Any]] = []
        for part in turn.parts:
            items = self._items(part)
            if items is None:
                made = _part(part, role, self._notes)
                content += [made] if made else []
                continue
            yield from _message(role, content)
            content = []
            yield from items
        yield from _message(role, content)

    def _items(self, part: Part) -> list[dict[str, Any]] | None:
        """What a part is by itself; None where it is a piece of a message."""
        kind = word(part.get("type"))
        if kind == "tool_call":
            return self._call(part)
        if kind == "tool_call_response":
            return self._result(part)
        return [dict(part)] if kind in _ITEMS else None

    def _call(self, part: Part) -> list[dict[str, Any]]:
        name, id = word(part.get("name")), word(part.get("id"))
        if name in _RUN_HERE and self._kinds.get(name) not in ("function", "custom"):
            self._gone.add(id)
            self._notes.add("calls of tools of OpenAI are left out: they are not recorded", name)
            return []
        given = as_text(part.get("arguments"))
        if self._kinds.get(name) == "custom":
            self._custom.add(id)
            return [{"type": "custom_tool_call", "call_id": id, "name": name, "input": given}]
        return [{"type": "function_call", "call_id": id, "name": name, "arguments": given}]

    def _result(self, part: Part) -> list[dict[str, Any]]:
        id = word(part.get("id"))
        if id in self._gone:
            return []
        told = recorded.response(part)
        if isinstance(told, list):
            output: Any = [made for each in told if (made := _part(each, "user", self._notes))]
        else:
            output = as_text(told)
        kind = "custom_tool_call_output" if id in self._custom else "function_call_output"
        return [{"type": kind, "call_id": id, "output": output}]


def _message(role: str, content: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if content:
        alone = len(content) == 1 and content[0].get("type") in _TEXTS
        yield {"role": role, "content": content[0]["text"] if alone else content}


def _part(part: Any, role: str, notes: Notes) -> dict[str, Any] | None:
    kind = "output_text" if role == "assistant" else "input_text"
    if not isinstance(part, dict):
        return {"type": kind, "text": as_text(part)}
    if part.get("type") == "text":
        return {"type": kind, "text": as_text(part.get("content"))}
    if part.get("type") == "refusal":
        return {"type": "refusal", "refusal": as_text(part.get("content"))}
    media = recorded.media(part, notes)
    if media is None:
        return recorded.as_recorded(part, notes)
    made = None if role == "assistant" else _media(media)
    if made is None:
        recorded.left_out(part, notes)
    return made


def _media(media: Media) -> dict[str, Any] | None:
    kind = {"image": "input_image", "document": "input_file"}.get(media.modality)
    if media.modality == "audio" and media.data:
        sound = {"data": media.data, "format": media.mime_type.rpartition("/")[2]}
        return {"type": "input_audio", "input_audio": sound}
    if kind is None:
        return None
    if media.file_id:
        return {"type": kind, "file_id": media.file_id}
    if kind == "input_image":
        return {"type": kind, "image_url": media.url}
    return {"type": kind, "file_url" if media.uri else "file_data": media.url}


def _tool(tool: dict[str, Any], notes: Notes) -> dict[str, Any] | None:
    kind = tool["type"]
    if kind in ("function", "custom"):
        return {"type": kind, **openai_sdk.described(tool)}
    if kind.startswith(_WITHOUT_OPTIONS):
        notes.add("options of tools of OpenAI are not recorded", kind)
        return {"type": kind}
    notes.add("tools of OpenAI are left out: their options are not recorded", kind)
    return None


def program(again: Again) -> Program:
    """The call by the SDK ``openai``."""
    return openai_sdk.program(again, "client.responses.create")
