"""Chat completions and legacy completions: what recordings do not show."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import semconv
from otelier.protocols.openai import chat, completions
from tests.protocols.reading import parts, streamed, whole

MODEL = {"model": "m"}
_M = {"gen_ai.request.model": "m"}

REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "model is no text": ({"model": 3}, {}),
    "not streamed": ({**MODEL, "stream": False}, _M),
    "streamed": ({**MODEL, "stream": True}, {**_M, "gen_ai.request.stream": True}),
    "one choice": ({**MODEL, "n": 1}, _M),
    "two choices": ({**MODEL, "n": 2}, {**_M, "gen_ai.request.choice.count": 2}),
    "choices are no number": ({**MODEL, "n": True}, _M),
    "tier auto": ({**MODEL, "service_tier": "auto"}, _M),
    "tier": ({**MODEL, "service_tier": "flex"}, {**_M, "openai.request.service_tier": "flex"}),
    "whole temperature": ({**MODEL, "temperature": 1}, {**_M, "gen_ai.request.temperature": 1.0}),
    "zeros count": (
        {"temperature": 0, "top_p": 0, "seed": 0, "max_tokens": 0, "frequency_penalty": 0},
        {
            "gen_ai.request.temperature": 0.0,
            "gen_ai.request.top_p": 0.0,
            "gen_ai.request.seed": 0,
            "gen_ai.request.max_tokens": 0,
            "gen_ai.request.frequency_penalty": 0.0,
        },
    ),
    "the newer limit wins": (
        {"max_tokens": 1, "max_completion_tokens": 2},
        {"gen_ai.request.max_tokens": 2},
    ),
    "top_k is no float": ({"top_k": 2.5}, {}),
    "top_k": ({"top_k": 2}, {"gen_ai.request.top_k": 2}),
    "top_logprobs is no top_k": ({"top_logprobs": 2}, {}),
    "one stop": ({"stop": "a"}, {"gen_ai.request.stop_sequences": ["a"]}),
    "more stops": ({"stop": ["a", "b"]}, {"gen_ai.request.stop_sequences": ["a", "b"]}),
    "no stops": ({"stop": []}, {}),
    "effort": ({"reasoning_effort": "low"}, {"gen_ai.request.reasoning.level": "low"}),
    "OpenRouter's effort": (
        {"reasoning": {"effort": "high"}},
        {"gen_ai.request.reasoning.level": "high"},
    ),
    "text": ({"response_format": {"type": "text"}}, {"gen_ai.output.type": "text"}),
    "JSON": ({"response_format": {"type": "json_object"}}, {"gen_ai.output.type": "json"}),
    "unknown format": ({"response_format": {"type": "xml"}}, {}),
    "speech": ({"modalities": ["text", "audio"]}, {"gen_ai.output.type": "speech"}),
}


@pytest.mark.parametrize(("body", "wanted"), REQUESTS.values(), ids=REQUESTS)
def test_request(body: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = chat.request(body)
    assert found == wanted
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in wanted.items()
    }


def _chunk(*choices: Any, **rest: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "model": "m-1", "choices": list(choices), **rest}


def _delta(delta: Any, index: Any = 0, finish: str | None = None) -> dict[str, Any]:
    return _chunk({"index": index, "delta": delta, "finish_reason": finish})


def _calls(*calls: Any) -> dict[str, Any]:
    return _delta({"tool_calls": list(calls)})


def _function(arguments: Any = None, name: Any = None, **rest: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **rest}


def _called(id: str | None, name: str, arguments: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "tool_call", "name": name}
    if id is not None:
        found["id"] = id
    return found if arguments is None else {**found, "arguments": arguments}


TOOL_STREAMS: dict[str, tuple[list[Any], list[dict[str, Any]]]] = {
    "by index": (
        [
            _calls(
                _function("", "look", index=0, id="c1"), _function("", "find", index=1, id="c2")
            ),
            _calls(_function('{"a"', index=0)),
            _calls(_function('{"b": 2}', index=1)),
            _calls(_function(": 1}", index=0)),
        ],
        [_called("c1", "look", {"a": 1}), _called("c2", "find", {"b": 2})],
    ),
    "indexes with gaps, out of order": (
        [
            _calls(_function('{"b": 2}', "find", index=7, id="c2")),
            _calls(_function('{"a": 1}', "look", index=3, id="c1")),
        ],
        [_called("c2", "find", {"b": 2}), _called("c1", "look", {"a": 1})],
    ),
    "no index, an id begins a call": (
        [
            _calls(_function('{"a"', "look", id="c1")),
            _calls(_function(": 1}")),
            _calls(_function("{}", "find", id="c2")),
        ],
        [_called("c1", "look", {"a": 1}), _called("c2", "find", {})],
    ),
    "no index, the id again and again": (
        [_calls(_function('{"a"', "look", id="c1")), _calls(_function(": 1}", id="c1"))],
        [_called("c1", "look", {"a": 1})],
    ),
    "index is null, complete calls": (
        [
            _calls(
                _function("{}", "look", index=None, id="c1"),
                _function("{}", "find", index=None, id="c2"),
            )
        ],
        [_called("c1", "look", {}), _called("c2", "find", {})],
    ),
    "no id at all": (
        [_calls(_function("{}", "look", index=0)), _calls(_function("{}", "find", index=1))],
        [_called(None, "look", {}), _called(None, "find", {})],
    ),
    "name again with each piece": (
        [
            _calls(_function("[1", "look", index=0, id="c1")),
            _calls(_function("]", "look", index=0)),
        ],
        [_called("c1", "look", [1])],
    ),
    "empty id in later pieces": (
        [
            _calls(_function("{", "look", index=0, id="c1")),
            _calls(_function("}", "", index=0, id="")),
        ],
        [_called("c1", "look", {})],
    ),
    "arguments are no JSON": (
        [_calls(_function('{"a', "look", index=0, id="c1"))],
        [_called("c1", "look", '{"a')],
    ),
    "no arguments": ([_calls(_function(None, "look", index=0, id="c1"))], [_called("c1", "look")]),
    "custom tool": (
        [
            _calls({"index": 0, "id": "c1", "custom": {"name": "sql", "input": "SELECT "}}),
            _calls({"index": 0, "custom": {"input": "1"}}),
        ],
        [_called("c1", "sql", "SELECT 1")],
    ),
    "old function_call": (
        [
            _delta({"function_call": {"name": "look", "arguments": '{"a"'}}),
            _delta({"function_call": {"arguments": ": 1}"}}),
        ],
        [_called(None, "look", {"a": 1})],
    ),
    "nulls everywhere": (
        [_delta(None), _delta({"tool_calls": None}), _calls(None), _calls({"function": None})],
        [_called(None, "")],
    ),
}


@pytest.mark.parametrize(("chunks", "wanted"), TOOL_STREAMS.values(), ids=TOOL_STREAMS)
def test_tool_calls_put_together(chunks: list[Any], wanted: list[dict[str, Any]]) -> None:
    reply = streamed(chat.Reader, [*chunks, _delta({}, finish="tool_calls")])
    assert parts(reply) == wanted
    assert reply.finish_reasons == ["tool_call"]


STREAMS: dict[str, tuple[list[Any], list[str], list[str]]] = {
    # chunks, texts by choice, finish reasons
    "choices by turns": (
        [
            _delta({"content": "a"}, 1),
            _delta({"content": "b"}, 0),
            _delta({"content": "c"}, 1),
            _delta({}, 0, "stop"),
            _delta({}, 1, "length"),
        ],
        ["b", "ac"],
        ["stop", "length"],
    ),
    "one choice cut off": (
        [_delta({"content": "a"}, 0), _delta({"content": "b"}, 1), _delta({}, 1, "stop")],
        ["a", "b"],
        [None, "stop"],
    ),
    "no index": ([_chunk({"delta": {"content": "a"}, "finish_reason": "stop"})], ["a"], ["stop"]),
    "no delta": ([_chunk({"index": 0, "finish_reason": "stop"})], [""], ["stop"]),
    "reason in its own words": ([_delta({"content": "a"}, 0, "eos")], ["a"], ["stop"]),
    "unknown reason": ([_delta({"content": "a"}, 0, "tired")], ["a"], ["tired"]),
    "content is a list (Mistral)": (
        [
            _delta({"content": [{"type": "text", "text": "a"}, {"type": "reference"}]}),
            _delta({"content": "b"}, 0, "stop"),
        ],
        ["ab"],
        ["stop"],
    ),
    "only prompt filter results (Azure)": (
        [
            {"id": "", "model": "", "choices": [], "prompt_filter_results": []},
            _delta({"content": "a"}, 0, "stop"),
        ],
        ["a"],
        ["stop"],
    ),
    "legacy completion": (
        [_chunk({"index": 0, "text": "a"}), _chunk({"text": "b", "finish_reason": "stop"})],
        ["ab"],
        ["stop"],
    ),
    "not even a dict": ([None, 3, "x", [], _delta({"content": "a"}, 0, "stop")], ["a"], ["stop"]),
}


@pytest.mark.parametrize(("chunks", "texts", "reasons"), STREAMS.values(), ids=STREAMS)
def test_streams(chunks: list[Any], texts: list[str], reasons: list[str]) -> None:
    reply = streamed(chat.Reader, chunks)
    said = [[part["content"] for part in message["parts"]] for message in reply.messages]
    assert said == [[text] if text else [] for text in texts]
    assert reply.finish_reasons == reasons
    assert reply.attributes[semconv.RESPONSE_ID] == "chatcmpl-1"
    assert reply.model == "m-1"
    bare = streamed(chat.Reader, chunks, keep=False)
    assert (bare.finish_reasons, bare.messages) == (reasons, [])


def test_reasoning_and_refusal_are_streamed_too() -> None:
    chunks = [
        _delta({"role": "assistant", "content": None, "reasoning_content": "Let "}),
        _delta({"content": "", "reasoning_content": "me think"}),
        _delta({"content": "Hi"}),
        _delta({"refusal": "No"}),
        _delta({"refusal": " more"}, finish="content_filter"),
    ]
    assert parts(streamed(chat.Reader, chunks)) == [
        {"type": "reasoning", "content": "Let me think"},
        {"type": "text", "content": "Hi"},
        {"type": "refusal", "content": "No more"},
    ]


def test_reasoning_with_other_spellings() -> None:
    chunks = [_delta({"reasoning": "Well"}), _delta({"content": "Hi"}, finish="stop")]
    assert parts(streamed(chat.Reader, chunks))[0] == {"type": "reasoning", "content": "Well"}


def test_an_error_in_a_stream() -> None:
    reply = streamed(chat.Reader, [{"error": {"message": "No.", "code": 502}}])
    assert (reply.error, reply.error_message) == ("502", "No.")


ERRORS: dict[str, tuple[Any, str, str | None]] = {
    "code and message": ({"code": "bad", "message": "No."}, "bad", "No."),
    "type": ({"type": "bad", "message": "No."}, "bad", "No."),
    "a number": ({"code": 429, "message": "No."}, "429", "No."),
    "text": ("No.", "_OTHER", "No."),
    "nothing known": ({"why": 1}, "_OTHER", None),
}


@pytest.mark.parametrize(("error", "kind", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_in_a_body(error: Any, kind: str, message: str | None) -> None:
    reply = whole(chat.Reader, {"error": error})
    assert (reply.error, reply.error_message) == (kind, message)


def test_choices_beside_an_error_are_an_answer() -> None:
    body = _chunk({"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}, error={})
    reply = whole(chat.Reader, body)
    assert reply.error is None
    assert parts(reply) == [{"type": "text", "content": "Hi"}]


def test_choices_in_the_providers_order() -> None:
    body = _chunk(
        {"index": 1, "message": {"content": "b"}, "finish_reason": "length"},
        {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
        {"index": 0, "message": {"content": "c"}, "finish_reason": None},
    )
    reply = whole(chat.Reader, body)
    assert reply.finish_reasons == ["stop", "length", None]
    assert [message["parts"][0]["content"] for message in reply.messages] == ["a", "b", "c"]


def test_legacy_completion() -> None:
    body = {"id": "cmpl-1", "choices": [{"text": "a", "index": 0, "finish_reason": "stop"}]}
    assert parts(whole(chat.Reader, body)) == [{"type": "text", "content": "a"}]
    asked = completions.content({"prompt": ["a", "b", [1, 2]]})
    assert [message["parts"][0]["content"] for message in asked.messages] == ["a", "b"]
    assert completions.content({"prompt": [1, 2]}).messages == []


def test_facts_from_later_chunks() -> None:
    chunks = [
        _delta({"content": "a"}),
        {**_delta({}, finish="stop"), "service_tier": "default", "system_fingerprint": "fp"},
    ]
    reply = streamed(chat.Reader, chunks)
    assert reply.attributes["openai.response.service_tier"] == "default"
    assert reply.pricing == {"service_tier": "default"}


def test_openrouter_tells_who_answered() -> None:
    reply = streamed(chat.Reader, [{**_delta({"content": "a"}, finish="stop"), "provider": "Groq"}])
    assert reply.attributes[semconv.PROVIDER_UPSTREAM] == "Groq"
