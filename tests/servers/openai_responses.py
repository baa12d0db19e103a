"""OpenAI wire format: response objects and the events of their streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .openai_chat import CREATED, MODEL, TEXT, JsonDict, cut

RESPONSE_ID = "resp_local_1"


def response_usage(
    input: int = 12,
    output: int = 9,
    *,
    cached: int = 0,
    cache_write: int = 0,
    reasoning: int = 0,
) -> JsonDict:
    """The `usage` of a response."""
    return {
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": cache_write},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input + output,
    }


def message_item(text: str = TEXT, *, id: str = "msg_local_1") -> JsonDict:
    """An output message with text."""
    return _message(id, {"type": "output_text", "annotations": [], "logprobs": [], "text": text})


def refusal_item(refusal: str = "I cannot do that.", *, id: str = "msg_local_1") -> JsonDict:
    """An output message that refuses."""
    return _message(id, {"type": "refusal", "refusal": refusal})


def _message(id: str, part: JsonDict) -> JsonDict:
    return {
        "id": id,
        "type": "message",
        "status": "completed",
        "content": [part],
        "role": "assistant",
    }


def function_call_item(
    name: str, arguments: Any = None, *, id: str = "fc_local_1", call_id: str = "call_local_1"
) -> JsonDict:
    """A call of a function."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {
        "id": id,
        "type": "function_call",
        "status": "completed",
        "arguments": text,
        "call_id": call_id,
        "name": name,
    }


def custom_call_item(name: str, input: str = "ls") -> JsonDict:
    """A call of a custom tool, whose input is free text."""
    return {
        "id": "ctc_local_1",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "call_local_1",
        "input": input,
        "name": name,
    }


def reasoning_item(*summary: str, encrypted: str | None = None) -> JsonDict:
    """Reasoning, with its summary if any."""
    item: JsonDict = {
        "id": "rs_local_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
    }
    return item if encrypted is None else {**item, "encrypted_content": encrypted}


def web_search_item(query: str = "weather in Paris") -> JsonDict:
    """A web search made by the server."""
    return {
        "id": "ws_local_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": query},
    }


def response_object(
    *output: JsonDict,
    model: str = MODEL,
    status: str = "completed",
    usage: JsonDict | None = None,
    error: JsonDict | None = None,
    incomplete: str | None = None,
    id: str = RESPONSE_ID,
    **extra: Any,
) -> JsonDict:
    """A response. Without output a completed one says `TEXT`; only an ended one has usage."""
    ended = status in ("completed", "incomplete")
    items = list(output) or ([message_item()] if status == "completed" else [])
    return {
        "id": id,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": error,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": model,
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default" if ended else "auto",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": (usage or response_usage()) if ended else None,
        "user": None,
        "metadata": {},
        **extra,
    }


def response_events(response: JsonDict, *, queued: bool = False, pieces: int = 3) -> list[JsonDict]:
    """The whole event sequence that ends in the given response.

    The last event follows from its status: `response.completed`, `.incomplete` or `.failed`.
    """
    opening = {
        **response,
        "status": "in_progress",
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "service_tier": "auto",
    }
    events: list[JsonDict] = [{"type": "response.created", "response": opening}]
    if queued:
        waiting = {**opening, "status": "queued"}
        events = [{"type": f"response.{x}", "response": waiting} for x in ("created", "queued")]
    events.append({"type": "response.in_progress", "response": opening})
    for index, item in enumerate(response["output"]):
        events.append(_item_event("added", index, _unfinished(item)))
        events += [
            {**event, "item_id": item["id"], "output_index": index}
            for event in _item_body(item, pieces)
        ]
        events.append(_item_event("done", index, item))
    events.append({"type": f"response.{response['status']}", "response": response})
    return [
        {"type": event.pop("type"), "sequence_number": number, **event}
        for number, event in enumerate(events)
    ]


def error_event(
    message: str = "The local server failed.", *, code: str = "server_error", number: int = 2
) -> JsonDict:
    """The `error` event in the middle of a stream."""
    return {
        "type": "error",
        "sequence_number": number,
        "code": code,
        "message": message,
        "param": None,
    }


def compaction() -> JsonDict:
    """The body of POST /responses/compact."""
    return {
        "id": "resp_local_compact_1",
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [
            {"id": "cmp_local_1", "type": "compaction", "encrypted_content": "gAAAAABlocal"}
        ],
        "usage": response_usage(139, 438, reasoning=64),
    }


def input_tokens(count: int = 12) -> JsonDict:
    """The body of POST /responses/input_tokens."""
    return {"object": "response.input_tokens", "input_tokens": count}


def _item_event(what: str, index: int, item: JsonDict) -> JsonDict:
    return {"type": f"response.output_item.{what}", "output_index": index, "item": item}


def _unfinished(item: JsonDict) -> JsonDict:
    if item["type"] == "reasoning":
        return {**item, "summary": []}
    return {**item, **_EMPTY.get(item["type"], {}), "status": "in_progress"}


_EMPTY: dict[str, JsonDict] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


def _item_body(item: JsonDict, pieces: int) -> list[JsonDict]:
    kind = item["type"]
    if kind == "message":
        return [
            event
            for index, part in enumerate(item["content"])
            for event in _part_events(index, part, pieces)
        ]
    if kind == "function_call":
        return _deltas("response.function_call_arguments", "arguments", item["arguments"], pieces)
    if kind == "custom_tool_call":
        return _deltas("response.custom_tool_call_input", "input", item["input"], pieces)
    if kind == "reasoning":
        return [
            event
            for index, part in enumerate(item["summary"])
            for event in _summary_events(index, part, pieces)
        ]
    if kind == "web_search_call":
        states: Sequence[str] = ("in_progress", "searching", "completed")
        return [{"type": f"response.web_search_call.{state}"} for state in states]
    return []


def _part_events(index: int, part: JsonDict, pieces: int) -> list[JsonDict]:
    if part["type"] == "refusal":
        field, events = "refusal", _deltas("response.refusal", "refusal", part["refusal"], pieces)
    else:
        field, events = "text", _deltas("response.output_text", "text", part["text"], pieces)
        events = [{**event, "logprobs": []} for event in events]
    added = {"type": "response.content_part.added", "part": {**part, field: ""}}
    done = {"type": "response.content_part.done", "part": part}
    return [{**event, "content_index": index} for event in (added, *events, done)]


def _summary_events(index: int, part: JsonDict, pieces: int) -> list[JsonDict]:
    name = "response.reasoning_summary_part"
    events = _deltas("response.reasoning_summary_text", "text", part["text"], pieces)
    added = {"type": f"{name}.added", "part": {**part, "text": ""}}
    done = {"type": f"{name}.done", "part": part}
    return [{**event, "summary_index": index} for event in (added, *events, done)]


def _deltas(name: str, field: str, text: str, pieces: int) -> list[JsonDict]:
    parts: list[JsonDict] = [{"type": f"{name}.delta", "delta": x} for x in cut(text, pieces)]
    return [*parts, {"type": f"{name}.done", field: text}]
