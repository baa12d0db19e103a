"""Hostile chat completions (streams and bodies) and embeddings."""

from __future__ import annotations

from typing import Any

from .openai_chat import (
    JsonDict,
    chat_chunk,
    chat_chunks,
    chat_completion,
    chat_message,
    chat_usage,
    delta_choice,
    tool_call,
)
from .openai_media import embeddings

HUGE = 10**30
LONE = "broken \ud83d surrogate"
UNICODE = "Grüße 👩‍👩‍👧 日本語 \u202eRTL\u0000 \u2028end"

_USAGE = chat_usage()
_START = chat_chunk(delta_choice({"role": "assistant", "content": ""}))
_END = chat_chunk(delta_choice({}, finish_reason="stop"))
_LAST = chat_chunk(usage=_USAGE)


def _say(text: Any, index: Any = 0) -> JsonDict:
    return chat_chunk(delta_choice({"content": text}, index))


def _call(**fields: Any) -> JsonDict:
    return chat_chunk(delta_choice({"tool_calls": [fields]}))


def _without(chunk: JsonDict, *names: str) -> JsonDict:
    return {key: value for key, value in chunk.items() if key not in names}


def _choice(**fields: Any) -> JsonDict:
    """A chunk whose only choice has just these fields."""
    return chat_chunk(fields)


def _usage_case(usage: Any) -> list[JsonDict | str]:
    return [_START, _say("Hi"), _END, chat_chunk(usage=usage)]


def _function(arguments: Any, name: Any = None) -> JsonDict:
    return {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}


_CALL = {"index": 0, "id": "call_1", "type": "function", "function": _function("", "look")}
_CALLS_END = chat_chunk(delta_choice({}, finish_reason="tool_calls"))
_ERROR = {"message": "Provider returned error", "code": 502, "metadata": {"provider_name": "X"}}

HOSTILE_CHAT: dict[str, list[JsonDict | str]] = {
    # choices
    "choices null": [_START, chat_chunk() | {"choices": None}, _say("Hi"), _END],
    "choices missing": [_START, _without(chat_chunk(), "choices"), _say("Hi"), _END],
    "choices an object": [_START, chat_chunk() | {"choices": {"0": {}}}, _say("Hi"), _END],
    "choices a string": [_START, chat_chunk() | {"choices": "none"}, _say("Hi"), _END],
    "choice null": [_START, chat_chunk() | {"choices": [None]}, _say("Hi"), _END],
    "choice empty": [_START, _choice(), _say("Hi"), _END],
    "choice a number": [_START, chat_chunk() | {"choices": [7]}, _say("Hi"), _END],
    "empty choices first": [chat_chunk(), _START, _say("Hi"), _END],
    "empty choices in the middle": [_START, _say("H"), chat_chunk(), _say("i"), _END],
    "index missing": [_choice(delta={"role": "assistant", "content": "Hi"}), _END],
    "index null": [_START, _say("Hi", None), _END],
    "index 1 before 0": [_say("b", 1), _say("a", 0), _say("b", 1), _END],
    "index only 1": [_say("b", 1), chat_chunk(delta_choice({}, 1, "stop"))],
    "index has a gap": [_say("a", 0), _say("d", 3), chat_chunk(delta_choice({}, 3, "stop")), _END],
    "index negative": [_START, _say("Hi", -1), _END],
    "index huge": [_START, _say("Hi", 10**9), _END],
    "index a string": [_START, _say("Hi", "0"), _END],
    "index a fraction": [_START, _say("Hi", 0.5), _END],
    "index twice in a chunk": [
        _START,
        chat_chunk(delta_choice({"content": "a"}), delta_choice({"content": "b"})),
        _END,
    ],
    "choices in reverse": [
        chat_chunk(delta_choice({"content": "b"}, 1), delta_choice({"content": "a"}, 0)),
        chat_chunk(delta_choice({}, 1, "length"), delta_choice({}, 0, "stop")),
    ],
    "128 choices": [
        chat_chunk(*(delta_choice({"content": "x"}, i) for i in range(128))),
        chat_chunk(*(delta_choice({}, i, "stop") for i in range(128))),
    ],
    # delta
    "delta null": [_START, chat_chunk(delta_choice({}) | {"delta": None}), _say("Hi"), _END],
    "delta missing": [_START, _choice(index=0, finish_reason=None), _say("Hi"), _END],
    "delta a string": [_START, _choice(index=0, delta="Hi"), _END],
    "delta a list": [_START, _choice(index=0, delta=["Hi"]), _END],
    "delta without role": [_say("Hi"), _END],
    "delta with text field": [_START, _choice(index=0, text="Hi", finish_reason=None), _END],
    "message instead of delta": [
        _choice(index=0, message=chat_message("Hi"), finish_reason="stop"),
    ],
    "role null": [chat_chunk(delta_choice({"role": None, "content": "Hi"})), _END],
    "role unknown": [chat_chunk(delta_choice({"role": "oracle", "content": "Hi"})), _END],
    "role in each chunk": [
        *(chat_chunk(delta_choice({"role": "assistant", "content": text})) for text in "Hi"),
        _END,
    ],
    "content null": [_START, _say(None), _say("Hi"), _END],
    "content a number": [_START, _say(42), _END],
    "content a list": [_START, _say([{"type": "text", "text": "Hi"}]), _END],
    "content a list of thinking": [
        _START,
        _say([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
        _say("Hi"),
        _END,
    ],
    "content an object": [_START, _say({"text": "Hi"}), _END],
    "content never": [_START, _END],
    "reasoning_content": [
        chat_chunk(delta_choice({"role": "assistant", "content": None, "reasoning_content": "Hm"})),
        _say("Hi"),
        _END,
    ],
    "reasoning details": [
        chat_chunk(
            delta_choice(
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning": "Hm",
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}],
                }
            )
        ),
        _say("Hi"),
        _END,
    ],
    "refusal and content": [
        _START,
        chat_chunk(delta_choice({"content": "Hi", "refusal": "No"})),
        _END,
    ],
    # text
    "lone surrogate": [_START, _say(LONE), _END],
    "surrogate pair in two chunks": [_START, _say("\ud83d"), _say("\ude00"), _END],
    "unicode": [_START, _say(UNICODE), _END],
    "control characters": [_START, _say("".join(map(chr, range(32)))), _END],
    "one megabyte in a chunk": [_START, _say("x" * 1_000_000), _END],
    "10,000 chunks": [_START, *[_say("x")] * 10_000, _END, _LAST],
    # tool calls
    "tool index missing": [_START, _call(**_without(_CALL, "index")), _CALLS_END],
    "tool index null": [_START, _call(**_CALL | {"index": None}), _CALLS_END],
    "tool index 1 before 0": [
        _START,
        _call(**_CALL | {"index": 1, "id": "call_2"}),
        _call(**_CALL),
        _call(index=1, function=_function("{}")),
        _call(index=0, function=_function("{}")),
        _CALLS_END,
    ],
    "tool index only 1": [_START, _call(**_CALL | {"index": 1}), _CALLS_END],
    "tool index the same for two calls": [
        _START,
        _call(**_CALL | {"function": _function("{}", "look")}),
        _call(**_CALL | {"id": "call_2", "function": _function("{}", "hear")}),
        _CALLS_END,
    ],
    "tool index huge": [_START, _call(**_CALL | {"index": 10**9}), _CALLS_END],
    "tool index a string": [_START, _call(**_CALL | {"index": "0"}), _CALLS_END],
    "tool id null": [_START, _call(**_CALL | {"id": None}), _CALLS_END],
    "tool id a number": [_START, _call(**_CALL | {"id": 7}), _CALLS_END],
    "tool id in each chunk": [
        _START,
        _call(**_CALL),
        _call(**_CALL | {"function": _function("{}")}),
        _CALLS_END,
    ],
    "tool id after the arguments": [
        _START,
        _call(index=0, function=_function('{"a":')),
        _call(index=0, id="call_1", function=_function("1}", "look")),
        _CALLS_END,
    ],
    "tool calls null": [_START, chat_chunk(delta_choice({"tool_calls": None})), _END],
    "tool calls empty": [_START, chat_chunk(delta_choice({"tool_calls": []})), _END],
    "tool calls an object": [_START, chat_chunk(delta_choice({"tool_calls": _CALL})), _END],
    "tool call null": [_START, chat_chunk(delta_choice({"tool_calls": [None]})), _CALLS_END],
    "tool function null": [_START, _call(**_CALL | {"function": None}), _CALLS_END],
    "tool function missing": [_START, _call(**_without(_CALL, "function")), _CALLS_END],
    "tool name null": [
        _START,
        _call(**_CALL | {"function": {"name": None, "arguments": "{}"}}),
        _CALLS_END,
    ],
    "tool name in parts": [
        _START,
        _call(**_CALL | {"function": _function("", "lo")}),
        _call(index=0, function=_function("{}", "ok")),
        _CALLS_END,
    ],
    "tool arguments null": [
        _START,
        _call(**_CALL | {"function": _function(None, "look")}),
        _call(index=0, function=_function("{}")),
        _CALLS_END,
    ],
    "tool arguments an object": [
        _START,
        _call(**_CALL | {"function": _function({"a": 1}, "look")}),
        _CALLS_END,
    ],
    "tool arguments not JSON": [
        _START,
        _call(**_CALL | {"function": _function('{"a": ', "look")}),
        _CALLS_END,
    ],
    "tool arguments with a lone surrogate": [
        _START,
        _call(**_CALL | {"function": _function('{"a": "\ud83d"}', "look")}),
        _CALLS_END,
    ],
    "tool type null": [_START, _call(**_CALL | {"type": None}), _CALLS_END],
    "tool type unknown": [_START, _call(**_CALL | {"type": "spell"}), _CALLS_END],
    "tool call and finish in one chunk": [
        chat_chunk(
            delta_choice(
                {
                    "role": "assistant",
                    "tool_calls": [_CALL | {"function": _function("{}", "look")}],
                },
                finish_reason="tool_calls",
            )
        )
    ],
    "tool call that ends in stop": [_START, _call(**_CALL), _END],
    "legacy function call": [
        _START,
        chat_chunk(delta_choice({"function_call": {"name": "look", "arguments": ""}})),
        chat_chunk(delta_choice({"function_call": {"arguments": "{}"}})),
        chat_chunk(delta_choice({}, finish_reason="function_call")),
    ],
    # finish reasons
    "finish missing": [_START, _say("Hi")],
    "finish null at the end": [_START, _say("Hi"), _say("")],
    "finish empty": [_START, _say("Hi"), chat_chunk(delta_choice({}, finish_reason=""))],
    "finish unknown": [_START, _say("Hi"), chat_chunk(delta_choice({}, finish_reason="eos"))],
    "finish a number": [_START, _choice(index=0, delta={}, finish_reason=1)],
    "finish an object": [_START, _choice(index=0, delta={}, finish_reason={"type": "stop"})],
    "finish twice": [
        _START,
        _say("Hi"),
        _END,
        chat_chunk(delta_choice({}, finish_reason="length")),
    ],
    "finish then more text": [_START, _say("H"), _END, _say("i")],
    "finish with the text": [
        chat_chunk(delta_choice({"role": "assistant", "content": "Hi"}, finish_reason="stop"))
    ],
    "finish error with an error in the choice": [
        _START,
        _choice(index=0, delta={"content": ""}, finish_reason="error", error=_ERROR),
    ],
    # usage
    "usage null": _usage_case(None),
    "usage with null members": _usage_case(dict.fromkeys(_USAGE)),
    "usage with null numbers": _usage_case(
        {"prompt_tokens": None, "completion_tokens": 9, "total_tokens": None}
    ),
    "usage empty": _usage_case({}),
    "usage a list": _usage_case([12, 9]),
    "usage a string": _usage_case("21 tokens"),
    "usage of strings": _usage_case(
        {"prompt_tokens": "12", "completion_tokens": "9", "total_tokens": "21"}
    ),
    "usage of fractions": _usage_case(
        {"prompt_tokens": 12.0, "completion_tokens": 9.5, "total_tokens": 21.5}
    ),
    "usage of booleans": _usage_case(
        {"prompt_tokens": True, "completion_tokens": False, "total_tokens": True}
    ),
    "usage huge": _usage_case(chat_usage(HUGE, HUGE)),
    "usage negative": _usage_case(chat_usage(-1, -1)),
    "usage zero": _usage_case(chat_usage(0, 0)),
    "usage only the total": _usage_case({"total_tokens": 21}),
    "usage details null": _usage_case(
        _USAGE | {"prompt_tokens_details": None, "completion_tokens_details": None}
    ),
    "usage details a number": _usage_case(
        _USAGE | {"prompt_tokens_details": 4, "completion_tokens_details": 3}
    ),
    "usage details of strings": _usage_case(
        _USAGE | {"prompt_tokens_details": {"cached_tokens": "many"}}
    ),
    "usage with more cached than prompt": _usage_case(chat_usage(12, 9, cached=99)),
    "usage in Anthropic names": _usage_case({"input_tokens": 12, "output_tokens": 9}),
    "usage of DeepSeek": _usage_case(
        _USAGE | {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 4}
    ),
    "usage of OpenRouter": _usage_case(
        _USAGE
        | {
            "cost": 0.00123,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": None},
        }
    ),
    "usage of xAI": _usage_case(_USAGE | {"num_sources_used": 0, "cost_in_usd_ticks": 12300000}),
    "usage of Perplexity": _usage_case(
        _USAGE | {"search_context_size": "low", "cost": {"total_cost": 0.006}}
    ),
    "usage with a chunk that has choices": [
        _START,
        _say("Hi"),
        chat_chunk(delta_choice({}, finish_reason="stop"), usage=_USAGE),
    ],
    "usage in each chunk, growing": [
        *(_say("x") | {"usage": chat_usage(12, number)} for number in range(1, 4)),
        _END | {"usage": _USAGE},
    ],
    "usage in the middle": [_START, chat_chunk(usage=_USAGE), _say("Hi"), _END],
    "usage first": [chat_chunk(usage=_USAGE), _START, _say("Hi"), _END],
    "usage twice": [_START, _say("Hi"), _END, _LAST, chat_chunk(usage=chat_usage(24, 18))],
    "usage then null": [_START, _say("Hi"), _END, _LAST, chat_chunk(usage=None)],
    "usage in the choice (Moonshot)": [
        _START,
        _say("Hi"),
        chat_chunk(delta_choice({}, finish_reason="stop") | {"usage": _USAGE}),
    ],
    "usage in x_groq": [
        chat_chunk(delta_choice({"role": "assistant"}), x_groq={"id": "req_1"}),
        _say("Hi"),
        chat_chunk(delta_choice({}, finish_reason="stop"), x_groq={"id": "req_1", "usage": _USAGE}),
    ],
    "x_groq null": [_START, _say("Hi"), chat_chunk(delta_choice({}), x_groq=None), _END],
    "x_groq with an error": [
        _START,
        chat_chunk(delta_choice({}, finish_reason="stop"), x_groq={"error": "overloaded"}),
    ],
    # the chunk itself
    "empty object first": [{}, _START, _say("Hi"), _END],
    "null": [_START, "null", _say("Hi"), _END],
    "a number": [_START, "42", _say("Hi"), _END],
    "a string": [_START, '"Hi"', _END],
    "a list": [_START, "[]", _END],
    "not JSON": [_START, "{oops", _END],
    "not a number": [_START, '{"id": "x", "choices": [], "usage": NaN}', _END],
    "infinite": [_START, '{"choices": [], "usage": {"prompt_tokens": Infinity}}', _END],
    "keys twice": [_START, '{"choices": [], "choices": null, "id": "a", "id": "b"}', _END],
    "deeply nested": [_START, '{"choices": ' + "[" * 200 + "]" * 200 + "}", _END],
    "empty data": [_START, "", _say("Hi"), _END],
    "unknown object": [_START, {"object": "keepalive"}, _say("Hi"), _END],
    "unknown fields": [_START | {"surprise": {"deep": [1]}}, _say("Hi"), _END],
    "id null": [chunk | {"id": None} for chunk in (_START, _say("Hi"), _END)],
    "id missing": [_without(chunk, "id") for chunk in (_START, _say("Hi"), _END)],
    "id a number": [chunk | {"id": 7} for chunk in (_START, _say("Hi"), _END)],
    "id changes": [_START, _say("Hi") | {"id": "chatcmpl-other"}, _END],
    "id empty first": [_START | {"id": ""}, _say("Hi"), _END],
    "model null": [chunk | {"model": None} for chunk in (_START, _say("Hi"), _END)],
    "model missing": [_without(chunk, "model") for chunk in (_START, _say("Hi"), _END)],
    "model a list": [chunk | {"model": ["a"]} for chunk in (_START, _say("Hi"), _END)],
    "model changes": [_START, _say("Hi") | {"model": "other-model"}, _END],
    "model empty first": [_START | {"model": ""}, _say("Hi"), _END],
    "created a string": [_START | {"created": "today"}, _say("Hi"), _END],
    "created huge": [_START | {"created": HUGE}, _say("Hi"), _END],
    "service tier a number": [_START | {"service_tier": 1}, _say("Hi"), _END],
    "only ids": [{"id": "chatcmpl-local-1"}],
    "error in a chunk": [_START, {"error": {"message": "overloaded", "code": 529}}],
    "error a string": [_START, {"error": "overloaded"}],
    "error first": [{"error": {"message": "quota", "type": "insufficient_quota"}}],
    "error with choices": [
        _START,
        chat_chunk(delta_choice({}, finish_reason="error"), error=_ERROR),
    ],
    "error null": [_START | {"error": None}, _say("Hi"), _END],
    "no chunk": [],
    "only done": ["[DONE]"],
    "done twice": [_START, _say("Hi"), _END, "[DONE]"],
    "chunks after done": [_START, _END, "[DONE]", _say("late")],
    "Azure filter first": [
        {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        | {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]},
        *chat_chunks(),
    ],
    "Azure late filter": [
        *chat_chunks(),
        _choice(index=0, finish_reason=None, content_filter_offsets={"check_offset": 44}),
    ],
}


def _body(**fields: Any) -> JsonDict:
    return chat_completion() | fields


def _message_body(**fields: Any) -> JsonDict:
    return chat_completion(chat_message("Hi") | fields, finish_reason="stop")


def _choice_body(**fields: Any) -> JsonDict:
    return _body(choices=[fields])


_WHOLE_CALL = tool_call("look")

HOSTILE_BODIES: dict[str, Any] = {
    "error in a 200": {"error": _ERROR, "choices": None},
    "error alone": {"error": _ERROR},
    "error a string": {"error": "overloaded"},
    "error of Anthropic": {"type": "error", "error": {"type": "api_error", "message": "x"}},
    "null": None,
    "a list": [],
    "a string": "Hi",
    "a number": 42,
    "empty object": {},
    "choices null": _body(choices=None),
    "choices missing": _without(_body(), "choices"),
    "choices empty": _body(choices=[]),
    "choices an object": _body(choices={"0": {}}),
    "choice null": _body(choices=[None]),
    "choice empty": _choice_body(),
    "choice with an error": _choice_body(
        index=0, message=chat_message(""), finish_reason="error", error=_ERROR
    ),
    "index missing": _choice_body(message=chat_message("Hi"), finish_reason="stop"),
    "indexes in reverse": _body(choices=chat_completion(*[chat_message()] * 2)["choices"][::-1]),
    "message null": _choice_body(index=0, message=None, finish_reason="stop"),
    "message missing": _choice_body(index=0, finish_reason="stop"),
    "message a string": _choice_body(index=0, message="Hi", finish_reason="stop"),
    "text instead of a message": _choice_body(index=0, text="Hi", finish_reason="stop"),
    "content a list": _message_body(content=[{"type": "text", "text": "Hi"}]),
    "content a number": _message_body(content=42),
    "content an object": _message_body(content={"answer": 42}),
    "content with a lone surrogate": _message_body(content=LONE),
    "content unicode": _message_body(content=UNICODE),
    "content of one megabyte": _message_body(content="x" * 1_000_000),
    "role missing": _body(choices=[{"index": 0, "message": {"content": "Hi"}}]),
    "reasoning_content": _message_body(reasoning_content="Hm"),
    "tool calls null": _message_body(tool_calls=None),
    "tool calls an object": _message_body(tool_calls=_WHOLE_CALL),
    "tool call null": _message_body(tool_calls=[None]),
    "tool function null": _message_body(tool_calls=[_WHOLE_CALL | {"function": None}]),
    "tool id missing": _message_body(tool_calls=[_without(_WHOLE_CALL, "id")]),
    "tool type missing": _message_body(tool_calls=[_without(_WHOLE_CALL, "type")]),
    "tool type unknown": _message_body(tool_calls=[_WHOLE_CALL | {"type": "spell"}]),
    "tool arguments null": _message_body(
        tool_calls=[_WHOLE_CALL | {"function": {"name": "look", "arguments": None}}]
    ),
    "tool arguments an object": _message_body(
        tool_calls=[_WHOLE_CALL | {"function": {"name": "look", "arguments": {"a": 1}}}]
    ),
    "tool arguments not JSON": _message_body(tool_calls=[tool_call("look", "{oops")]),
    "legacy function call": _message_body(function_call={"name": "look", "arguments": "{}"}),
    "finish missing": _choice_body(index=0, message=chat_message("Hi")),
    "finish null": _choice_body(index=0, message=chat_message("Hi"), finish_reason=None),
    "finish unknown": _choice_body(index=0, message=chat_message("Hi"), finish_reason="eos"),
    "finish a number": _choice_body(index=0, message=chat_message("Hi"), finish_reason=1),
    "usage null": _body(usage=None),
    "usage missing": _without(_body(), "usage"),
    "usage a list": _body(usage=[12, 9]),
    "usage empty": _body(usage={}),
    "usage with null members": _body(usage=dict.fromkeys(_USAGE)),
    "usage of strings": _body(usage={"prompt_tokens": "12", "completion_tokens": "9"}),
    "usage of fractions": _body(usage={"prompt_tokens": 12.0, "completion_tokens": 9.5}),
    "usage huge": _body(usage=chat_usage(HUGE, HUGE)),
    "usage negative": _body(usage=chat_usage(-1, -1)),
    "usage details null": _body(usage=_USAGE | {"prompt_tokens_details": None}),
    "usage details a list": _body(usage=_USAGE | {"prompt_tokens_details": [4]}),
    "usage in the choice (Moonshot)": _choice_body(
        index=0, message=chat_message("Hi"), finish_reason="stop", usage=_USAGE
    )
    | {"usage": None},
    "usage of DeepSeek": _body(
        usage=_USAGE | {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 4}
    ),
    "usage of OpenRouter": _body(
        usage=_USAGE | {"cost": 0.00123, "is_byok": False}, provider="Fireworks"
    ),
    "id null": _body(id=None),
    "id a number": _body(id=7),
    "id missing": _without(_body(), "id"),
    "model null": _body(model=None),
    "model a list": _body(model=["a"]),
    "model missing": _without(_body(), "model"),
    "created a string": _body(created="today"),
    "object unknown": _body(object="surprise"),
    "service tier an object": _body(service_tier={"name": "x"}),
    "unknown fields": _body(surprise={"deep": [1]}),
    "128 choices": chat_completion(*[chat_message()] * 128),
}

HOSTILE_EMBEDDINGS_BODIES: dict[str, Any] = {
    "data null": embeddings() | {"data": None},
    "data empty": embeddings() | {"data": []},
    "data missing": _without(embeddings(), "data"),
    "data an object": embeddings() | {"data": {"embedding": [0.1]}},
    "item null": embeddings() | {"data": [None]},
    "embedding null": embeddings() | {"data": [{"index": 0, "embedding": None}]},
    "embedding empty": embeddings() | {"data": [{"index": 0, "embedding": []}]},
    "embedding not base64": embeddings() | {"data": [{"index": 0, "embedding": "!"}]},
    "embedding of strings": embeddings() | {"data": [{"index": 0, "embedding": ["a"]}]},
    "embeddings nested": embeddings() | {"data": [{"index": 0, "embedding": [[0.1, 0.2]]}]},
    "usage null": embeddings() | {"usage": None},
    "usage missing": _without(embeddings(), "usage"),
    "usage with null members": embeddings() | {"usage": {"prompt_tokens": None}},
    "usage of strings": embeddings() | {"usage": {"prompt_tokens": "5", "total_tokens": "5"}},
    "model null": embeddings() | {"model": None},
    "error in a 200": {"error": _ERROR, "data": None},
}
