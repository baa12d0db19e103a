"""Hostile Anthropic messages: event sequences and bodies."""

from __future__ import annotations

from typing import Any

from .anthropic_wire import (
    anthropic_error,
    message,
    message_events,
    message_usage,
    redacted_block,
    text_block,
    thinking_block,
    tool_use_block,
    web_search_blocks,
)
from .hostile_chat import HUGE, LONE, UNICODE
from .openai_chat import JsonDict

_WHOLE = message()
_EVENTS = message_events(_WHOLE)
_START, _OPEN, _DELTA = _EVENTS[0], _EVENTS[1], _EVENTS[3]
_CLOSE, _END, _STOP = _EVENTS[-3:]


def _starts(**fields: Any) -> list[JsonDict | str]:
    """The usual events, with other fields in the message of the first."""
    return [{**_START, "message": {**_START["message"], **fields}}, *_EVENTS[1:]]


def _ends(**fields: Any) -> list[JsonDict | str]:
    """The usual events, with other fields in `message_delta`."""
    return [*_EVENTS[:-2], {**_END, **fields}, _STOP]


def _opens(block: Any, *deltas: Any) -> list[JsonDict | str]:
    """A message of one block, made of these deltas."""
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    parts = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    return [_START, start, *parts, _CLOSE, _END, _STOP]


def _with(event: Any, place: int = 3) -> list[JsonDict | str]:
    return [*_EVENTS[:place], event, *_EVENTS[place:]]


def _without(block: JsonDict, *names: str) -> JsonDict:
    return {key: value for key, value in block.items() if key not in names}


_TEXT = {"type": "text", "text": ""}
_HI = {"type": "text_delta", "text": "Hi"}
_TOOL = tool_use_block("look")

HOSTILE_MESSAGES: dict[str, list[JsonDict | str]] = {
    "no event": [],
    "only ping": [{"type": "ping"}],
    "ping first": [{"type": "ping"}, *_EVENTS],
    "start missing": list(_EVENTS[1:]),
    "start twice": [_START, *_EVENTS],
    "stop missing": list(_EVENTS[:-1]),
    "stop twice": [*_EVENTS, _STOP],
    "message_delta missing": [*_EVENTS[:-2], _STOP],
    "message_delta twice": [*_EVENTS[:-2], _END, {**_END, "usage": {"output_tokens": 20}}, _STOP],
    "message_delta first": [_END, *_EVENTS],
    "message_delta for each token": [
        *_EVENTS[:-2],
        *({**_END, "usage": {"output_tokens": count}} for count in range(1, 10)),
        _STOP,
    ],
    "events after the stop": [*_EVENTS, _DELTA],
    "done at the end": [*_EVENTS, "[DONE]"],
    "only start and stop": [_START, _STOP],
    "block never closed": [event for event in _EVENTS if event is not _CLOSE],
    "block never opened": [event for event in _EVENTS if event is not _OPEN],
    "block opened twice": [_START, _OPEN, *_EVENTS[1:]],
    "block index missing": [_START, _without(_OPEN, "index"), *_EVENTS[2:]],
    "block index null": [_START, {**_OPEN, "index": None}, *_EVENTS[2:]],
    "block index a string": [_START, {**_OPEN, "index": "0"}, *_EVENTS[2:]],
    "block index 1 before 0": [_START, {**_OPEN, "index": 1}, *_EVENTS[1:]],
    "block index huge": [_START, {**_OPEN, "index": 10**9}, *_EVENTS[2:]],
    "block null": _opens(None, _HI),
    "block missing": [_START, _without(_OPEN, "content_block"), *_EVENTS[2:]],
    "block a string": _opens("text", _HI),
    "block unknown": _opens({"type": "telepathy", "thought": "Hm"}, {"type": "telepathy_delta"}),
    "block without type": _opens({"text": ""}, _HI),
    "block type null": _opens({"type": None}, _HI),
    "block with text at once": _opens(text_block("Hi")),
    "text null": _opens({"type": "text", "text": None}, _HI),
    "delta null": _opens(_TEXT, None, _HI),
    "delta missing": _with({"type": "content_block_delta", "index": 0}),
    "delta empty": _opens(_TEXT, {}, _HI),
    "delta unknown": _opens(_TEXT, {"type": "telepathy_delta", "thought": "Hm"}, _HI),
    "delta text null": _opens(_TEXT, {"type": "text_delta", "text": None}),
    "delta text a number": _opens(_TEXT, {"type": "text_delta", "text": 42}),
    "delta of another kind": _opens(_TEXT, {"type": "input_json_delta", "partial_json": "{}"}),
    "delta index out of range": _with({**_DELTA, "index": 9}),
    "delta before its block": [_START, _DELTA, *_EVENTS[1:]],
    "lone surrogate": _opens(_TEXT, {"type": "text_delta", "text": LONE}),
    "unicode": _opens(_TEXT, {"type": "text_delta", "text": UNICODE}),
    "tool input null": _opens({**_TOOL, "input": None}),
    "tool input a string": _opens({**_TOOL, "input": "{}"}),
    "tool input at once": _opens({**_TOOL, "input": {"city": "Paris"}}),
    "tool JSON null": _opens(_TOOL, {"type": "input_json_delta", "partial_json": None}),
    "tool JSON never": _opens(_TOOL),
    "tool JSON broken": _opens(_TOOL, {"type": "input_json_delta", "partial_json": '{"a": '}),
    "tool JSON a list": _opens(_TOOL, {"type": "input_json_delta", "partial_json": "[1]"}),
    "tool JSON with a lone surrogate": _opens(
        _TOOL, {"type": "input_json_delta", "partial_json": '{"a": "\\ud83d"}'}
    ),
    "tool id null": _opens({**_TOOL, "id": None}),
    "tool name null": _opens({**_TOOL, "name": None}),
    "tool caller unknown": _opens({**_TOOL, "caller": {"type": "ghost"}}),
    "thinking without signature": _opens(
        {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm"}
    ),
    "redacted thinking": _opens(redacted_block()),
    "search result is an error": _opens(
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {
                "type": "web_search_tool_result_error",
                "error_code": "max_uses_exceeded",
            },
        }
    ),
    "search result null": _opens({**web_search_blocks()[1], "content": None}),
    "fallback block": _opens({"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}),
    "compaction block": _opens(
        {"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "short"}
    ),
    "message null": [{**_START, "message": None}, *_EVENTS[1:]],
    "message missing": [{"type": "message_start"}, *_EVENTS[1:]],
    "message empty": [{**_START, "message": {}}, *_EVENTS[1:]],
    "content null": _starts(content=None),
    "content at once": _starts(content=[text_block("Hi")]),
    "id null": _starts(id=None),
    "id missing": [{**_START, "message": _without(_START["message"], "id")}, *_EVENTS[1:]],
    "model null": _starts(model=None),
    "model a list": _starts(model=["a"]),
    "role unknown": _starts(role="oracle"),
    "usage null at the start": _starts(usage=None),
    "usage missing at the start": [
        {**_START, "message": _without(_START["message"], "usage")},
        *_EVENTS[1:],
    ],
    "usage empty at the start": _starts(usage={}),
    "usage of nulls at the start": _starts(
        usage={"input_tokens": None, "output_tokens": None, "cache_creation": None}
    ),
    "usage of strings at the start": _starts(usage={"input_tokens": "12", "output_tokens": "1"}),
    "usage huge at the start": _starts(usage=message_usage(HUGE, HUGE, cache_read=HUGE)),
    "usage negative at the start": _starts(usage=message_usage(-1, -1)),
    "usage zero at the start": _starts(usage=message_usage(0, 0)),
    "cache split against its sum": _starts(
        usage=message_usage(cache_5m=2, cache_1h=3) | {"cache_creation_input_tokens": 99}
    ),
    "cache split null": _starts(usage=message_usage() | {"cache_creation": None}),
    "usage null at the end": _ends(usage=None),
    "usage missing at the end": [*_EVENTS[:-2], _without(_END, "usage"), _STOP],
    "usage empty at the end": _ends(usage={}),
    "usage only output at the end": _ends(usage={"output_tokens": 9}),
    "usage of nulls at the end": _ends(
        usage={"input_tokens": None, "output_tokens": None, "server_tool_use": None}
    ),
    "usage of strings at the end": _ends(usage={"output_tokens": "9"}),
    "usage of fractions at the end": _ends(usage={"output_tokens": 9.5}),
    "usage huge at the end": _ends(usage={"output_tokens": HUGE}),
    "usage of zero input at the end": _ends(usage={"input_tokens": 0, "output_tokens": 9}),
    "usage in the delta": _ends(delta={"stop_reason": "end_turn", "usage": {"output_tokens": 9}}),
    "usage with iterations": _ends(
        usage={
            "input_tokens": 12,
            "output_tokens": 9,
            "iterations": [{"type": "compaction", "input_tokens": 500, "output_tokens": 50}],
        }
    ),
    "server tool use null": _ends(usage={"output_tokens": 9, "server_tool_use": None}),
    "end delta null": _ends(delta=None),
    "end delta missing": [*_EVENTS[:-2], _without(_END, "delta"), _STOP],
    "stop reason null": _ends(delta={"stop_reason": None, "stop_sequence": None}),
    "stop reason missing": _ends(delta={}),
    "stop reason unknown": _ends(delta={"stop_reason": "tired", "stop_sequence": None}),
    "stop reason a number": _ends(delta={"stop_reason": 1}),
    "stop reason at the start": _starts(stop_reason="end_turn"),
    "refusal": _ends(delta={"stop_reason": "refusal", "stop_details": {"type": "refusal"}}),
    "unknown event": _with({"type": "telepathy", "thought": "Hm"}),
    "event without type": _with({"thought": "Hm"}),
    "event type null": _with({"type": None}),
    "empty object": _with({}),
    "null": _with("null"),
    "not JSON": _with("{oops"),
    "empty data": _with(""),
    "error event": [*_EVENTS[:4], anthropic_error()],
    "error event first": [anthropic_error()],
    "error event null": [*_EVENTS[:4], {"type": "error", "error": None}],
    "error event empty": [*_EVENTS[:4], {"type": "error"}],
    "error event unknown": [*_EVENTS[:4], anthropic_error("cosmic_ray_error", "Zap")],
    "10,000 deltas": [*_EVENTS[:4], *[_DELTA] * 10_000, *_EVENTS[4:]],
    "100 blocks": [*message_events(message(*(text_block(str(i)) for i in range(100))))],
}


def _body(**fields: Any) -> JsonDict:
    return {**_WHOLE, **fields}


HOSTILE_MESSAGES_BODIES: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a string": "Hi",
    "empty object": {},
    "error in a 200": anthropic_error(),
    "content null": _body(content=None),
    "content empty": _body(content=[]),
    "content a string": _body(content="Hi"),
    "content missing": _without(_WHOLE, "content"),
    "block null": _body(content=[None]),
    "block a string": _body(content=["Hi"]),
    "block unknown": _body(content=[{"type": "telepathy", "thought": "Hm"}]),
    "block without type": _body(content=[{"text": "Hi"}]),
    "text null": _body(content=[{"type": "text", "text": None}]),
    "text with a lone surrogate": _body(content=[text_block(LONE)]),
    "text unicode": _body(content=[text_block(UNICODE)]),
    "tool input null": _body(content=[{**_TOOL, "input": None}]),
    "tool input a string": _body(content=[{**_TOOL, "input": "{}"}]),
    "tool name missing": _body(content=[_without(_TOOL, "name")]),
    "thinking null": _body(content=[{**thinking_block(), "thinking": None}]),
    "usage null": _body(usage=None),
    "usage missing": _without(_WHOLE, "usage"),
    "usage a list": _body(usage=[12, 9]),
    "usage empty": _body(usage={}),
    "usage with null members": _body(usage=dict.fromkeys(message_usage())),
    "usage of strings": _body(usage={"input_tokens": "12", "output_tokens": "9"}),
    "usage of fractions": _body(usage={"input_tokens": 12.0, "output_tokens": 9.5}),
    "usage huge": _body(usage=message_usage(HUGE, HUGE)),
    "usage negative": _body(usage=message_usage(-1, -1)),
    "usage without cache": _body(usage={"input_tokens": 12, "output_tokens": 9}),
    "cache split a number": _body(usage=message_usage() | {"cache_creation": 5}),
    "usage of OpenAI": _body(usage={"prompt_tokens": 12, "completion_tokens": 9}),
    "stop reason null": _body(stop_reason=None),
    "stop reason unknown": _body(stop_reason="tired"),
    "stop reason a number": _body(stop_reason=1),
    "id null": _body(id=None),
    "model null": _body(model=None),
    "model a list": _body(model=["a"]),
    "role missing": _without(_WHOLE, "role"),
    "type unknown": _body(type="surprise"),
    "container a string": _body(container="container_1"),
    "unknown fields": _body(surprise={"deep": [1]}),
}
