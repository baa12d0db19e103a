"""Hostile responses: event sequences and bodies."""

from __future__ import annotations

from typing import Any

from .hostile_chat import HUGE, LONE, UNICODE
from .openai_chat import JsonDict
from .openai_responses import (
    error_event,
    function_call_item,
    message_item,
    reasoning_item,
    refusal_item,
    response_events,
    response_object,
    response_usage,
)

_WHOLE = response_object()
_EVENTS = response_events(_WHOLE)
_FAILURE = {"code": "server_error", "message": "The model failed."}


def _ends(**fields: Any) -> list[JsonDict | str]:
    """The usual events, with other fields in the last response."""
    last = _EVENTS[-1]
    return [*_EVENTS[:-1], {**last, "response": {**last["response"], **fields}}]


def _output(*items: Any) -> list[JsonDict | str]:
    return _ends(output=list(items))


def _cut(*types: str) -> list[JsonDict | str]:
    return [event for event in _EVENTS if event["type"] not in types]


def _with(event: Any, place: int = 3) -> list[JsonDict | str]:
    return [*_EVENTS[:place], event, *_EVENTS[place:]]


def _made(*output: Any, **fields: Any) -> list[JsonDict | str]:
    """All the events of a response that is made as usual."""
    return list(response_events(response_object(*output, **fields)))


def _message(part: Any) -> JsonDict:
    return {**message_item(), "content": [part]}


_UNKNOWN_ITEM = {"id": "x_1", "type": "telepathy_call", "status": "completed", "thought": "Hm"}

HOSTILE_RESPONSES: dict[str, list[JsonDict | str]] = {
    "no event": [],
    "only done": ["[DONE]"],
    "done at the end": [*_EVENTS, "[DONE]"],
    "events after the end": [*_EVENTS, _EVENTS[4]],
    "end missing": list(_EVENTS[:-1]),
    "end twice": [*_EVENTS, _EVENTS[-1]],
    "only the end": [_EVENTS[-1]],
    "created missing": _cut("response.created"),
    "created twice": [_EVENTS[0], *_EVENTS],
    "item added missing": _cut("response.output_item.added"),
    "item done missing": _cut("response.output_item.done"),
    "part added missing": _cut("response.content_part.added"),
    "only deltas": _cut(*{e["type"] for e in _EVENTS} - {"response.output_text.delta"}),
    "out of order": list(reversed(_EVENTS)),
    "sequence numbers missing": [
        {key: value for key, value in event.items() if key != "sequence_number"}
        for event in _EVENTS
    ],
    "sequence numbers wrong": [event | {"sequence_number": "x"} for event in _EVENTS],
    "unknown event": _with({"type": "response.telepathy.delta", "delta": "Hm"}),
    "unknown event of another kind": _with({"type": "keepalive", "sequence_number": 3}),
    "event without type": _with({"delta": "Hi"}),
    "event type null": _with({"type": None}),
    "event type a number": _with({"type": 7}),
    "null": _with("null"),
    "a list": _with("[]"),
    "a string": _with('"Hi"'),
    "not JSON": _with("{oops"),
    "empty data": _with(""),
    "empty object": _with({}),
    "response null": [{**_EVENTS[0], "response": None}, *_EVENTS[1:]],
    "response missing at the end": [*_EVENTS[:-1], {"type": "response.completed"}],
    "response null at the end": [*_EVENTS[:-1], {**_EVENTS[-1], "response": None}],
    "response a string at the end": [*_EVENTS[:-1], {**_EVENTS[-1], "response": "done"}],
    "item null": _with({"type": "response.output_item.done", "output_index": 0, "item": None}),
    "item missing": _with({"type": "response.output_item.done", "output_index": 0}),
    "item index out of range": _with(
        {"type": "response.output_item.done", "output_index": 9, "item": message_item()}
    ),
    "item unknown": _made(_UNKNOWN_ITEM, message_item()),
    "delta null": _with({**_EVENTS[4], "delta": None}, 5),
    "delta missing": _with({"type": "response.output_text.delta", "item_id": "msg_local_1"}, 5),
    "delta an object": _with({**_EVENTS[4], "delta": {"text": "Hi"}}, 5),
    "delta before its item": [_EVENTS[4], *_EVENTS],
    "delta of another item": _with({**_EVENTS[4], "item_id": "msg_other", "output_index": 5}, 5),
    "output null": _ends(output=None),
    "output missing": [
        *_EVENTS[:-1],
        {**_EVENTS[-1], "response": {k: v for k, v in _WHOLE.items() if k != "output"}},
    ],
    "output empty": _output(),
    "output an object": _ends(output={"0": message_item()}),
    "output item null": _output(None),
    "output item empty": _output({}),
    "output item a string": _output("Hi"),
    "content null": _output({**message_item(), "content": None}),
    "content a string": _output({**message_item(), "content": "Hi"}),
    "content part null": _output(_message(None)),
    "content part unknown": _output(_message({"type": "output_smell", "smell": "rose"})),
    "text null": _output(_message({"type": "output_text", "text": None, "annotations": []})),
    "text a number": _output(_message({"type": "output_text", "text": 42, "annotations": []})),
    "lone surrogate": _made(message_item(LONE)),
    "unicode": _made(message_item(UNICODE)),
    "refusal": _made(refusal_item()),
    "empty text": _made(message_item("")),
    "arguments null": _output({**function_call_item("look"), "arguments": None}),
    "arguments an object": _output({**function_call_item("look"), "arguments": {"a": 1}}),
    "arguments not JSON": _made(function_call_item("look", "{oops")),
    "call id null": _output({**function_call_item("look"), "call_id": None}),
    "name missing": _output({k: v for k, v in function_call_item("look").items() if k != "name"}),
    "summary null": _output({**reasoning_item(), "summary": None}),
    "summary of strings": _output({**reasoning_item(), "summary": ["Hm"]}),
    "usage null": _ends(usage=None),
    "usage empty": _ends(usage={}),
    "usage a list": _ends(usage=[12, 9]),
    "usage with null members": _ends(usage=dict.fromkeys(response_usage())),
    "usage of strings": _ends(usage={"input_tokens": "12", "output_tokens": "9"}),
    "usage of fractions": _ends(usage={"input_tokens": 12.0, "output_tokens": 9.5}),
    "usage huge": _ends(usage=response_usage(HUGE, HUGE)),
    "usage negative": _ends(usage=response_usage(-1, -1)),
    "usage details null": _ends(
        usage=response_usage() | {"input_tokens_details": None, "output_tokens_details": None}
    ),
    "usage in chat names": _ends(usage={"prompt_tokens": 12, "completion_tokens": 9}),
    "usage before the end": [
        {**_EVENTS[0], "response": {**_EVENTS[0]["response"], "usage": response_usage(1, 1)}},
        *_EVENTS[1:],
    ],
    "status null": _ends(status=None),
    "status unknown": _ends(status="dreaming"),
    "status against the event": _ends(status="failed", error=_FAILURE),
    "failed": _made(status="failed", error=_FAILURE),
    "failed without error": _made(status="failed"),
    "failed with a string": _made(status="failed", error="it failed"),
    "incomplete": _made(message_item(), status="incomplete", incomplete="max_output_tokens"),
    "incomplete without details": _made(message_item(), status="incomplete"),
    "incomplete with a string": [
        *_EVENTS[:-1],
        {"type": "response.incomplete", "response": {**_WHOLE, "incomplete_details": "short"}},
    ],
    "cancelled": [*_EVENTS[:3], {"type": "response.cancelled", "response": _WHOLE}],
    "error event": [*_EVENTS[:2], error_event()],
    "error event first": [error_event(number=0)],
    "error event wrapped": [
        *_EVENTS[:2],
        {"type": "error", "error": {"type": "server_error", "message": "x"}, "sequence_number": 2},
    ],
    "error event empty": [*_EVENTS[:2], {"type": "error"}],
    "id null": [
        {**event, "response": {**event["response"], "id": None}} if "response" in event else event
        for event in _EVENTS
    ],
    "id changes": _ends(id="resp_other"),
    "model null": _ends(model=None),
    "model an object": _ends(model={"id": "x"}),
    "conversation a string": _ends(conversation="conv_1"),
    "service tier a number": _ends(service_tier=1),
    "10,000 deltas": [*_EVENTS[:5], *[_EVENTS[4]] * 10_000, *_EVENTS[5:]],
    "100 items": _made(*(message_item(id=f"msg_{i}") for i in range(100))),
}


def _body(**fields: Any) -> JsonDict:
    return {**_WHOLE, **fields}


HOSTILE_RESPONSES_BODIES: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a string": "Hi",
    "empty object": {},
    "error in a 200": {"error": {"message": "overloaded", "code": 529}, "output": None},
    "output null": _body(output=None),
    "output empty": _body(output=[]),
    "output a string": _body(output="Hi"),
    "output item null": _body(output=[None]),
    "output item unknown": _body(output=[_UNKNOWN_ITEM]),
    "content null": _body(output=[{**message_item(), "content": None}]),
    "content a string": _body(output=[{**message_item(), "content": "Hi"}]),
    "content part null": _body(output=[_message(None)]),
    "text null": _body(output=[_message({"type": "output_text", "text": None})]),
    "text with a lone surrogate": _body(output=[message_item(LONE)]),
    "arguments null": _body(output=[{**function_call_item("look"), "arguments": None}]),
    "arguments an object": _body(output=[{**function_call_item("look"), "arguments": {"a": 1}}]),
    "usage null": _body(usage=None),
    "usage a list": _body(usage=[12, 9]),
    "usage with null members": _body(usage=dict.fromkeys(response_usage())),
    "usage of strings": _body(usage={"input_tokens": "12", "output_tokens": "9"}),
    "usage huge": _body(usage=response_usage(HUGE, HUGE)),
    "usage details null": _body(usage=response_usage() | {"input_tokens_details": None}),
    "failed": response_object(status="failed", error=_FAILURE),
    "failed without error": response_object(status="failed"),
    "incomplete": response_object(status="incomplete", incomplete="content_filter"),
    "cancelled": response_object(status="cancelled"),
    "status null": _body(status=None),
    "status unknown": _body(status="dreaming"),
    "id null": _body(id=None),
    "model null": _body(model=None),
    "conversation a string": _body(conversation="conv_1"),
    "incomplete details a string": _body(incomplete_details="short"),
    "error a string": _body(error="it failed"),
    "unknown fields": _body(surprise={"deep": [1]}),
}
