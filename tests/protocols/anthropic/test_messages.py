"""Anthropic's messages: usage with caches, server tools, streams that end early."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import semconv
from otelier.protocols.anthropic import messages
from otelier.usage import Usage
from tests.protocols.reading import parts, streamed, whole

REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "not streamed": ({"stream": False}, {}),
    "tier auto": ({"service_tier": "auto"}, {}),
    "tier": (
        {"service_tier": "standard_only"},
        {"otelier.provider.request_service_tier": "standard_only"},
    ),
    "top_k": ({"top_k": 5}, {"gen_ai.request.top_k": 5}),
    "effort": ({"output_config": {"effort": "max"}}, {"gen_ai.request.reasoning.level": "max"}),
    "format": ({"output_config": {"format": {}}}, {"gen_ai.output.type": "json"}),
    "older format": ({"output_format": {}}, {"gen_ai.output.type": "json"}),
    "thread": (
        {"thread": {"type": "continue", "previous_message_id": "msg_0"}},
        {"gen_ai.request.previous_response.id": "msg_0"},
    ),
    "new thread": ({"thread": {"type": "create"}}, {}),
    "diagnostics": (
        {"diagnostics": {"previous_message_id": "msg_0"}},
        {"otelier.provider.diagnostics.previous_message_id": "msg_0"},
    ),
    "container": ({"container": "c_1"}, {"otelier.provider.container.id": "c_1"}),
    "container and skills": (
        {"container": {"id": "c_1", "skills": []}},
        {"otelier.provider.container.id": "c_1"},
    ),
    "legacy limit": ({"max_tokens_to_sample": 5}, {"gen_ai.request.max_tokens": 5}),
}


@pytest.mark.parametrize(("body", "wanted"), REQUESTS.values(), ids=REQUESTS)
def test_request(body: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert messages.request(body) == wanted


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude-1",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 11,
            "cache_read_input_tokens": 4,
            "output_tokens": 1,
            "service_tier": "batch",
        },
    },
}


def _block(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _end(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or None}


def test_usage_of_a_stream_is_the_last_word() -> None:
    events = [START, _end(output_tokens=9, input_tokens=12, cache_read_input_tokens=None)]
    reply = streamed(messages.Reader, events)
    assert reply.usage == Usage(input=16, output=9, cache_read=4)
    assert reply.pricing == {"service_tier": "batch", "processing": "batch"}


def test_an_early_end_does_not_count_the_placeholder() -> None:
    reply = streamed(messages.Reader, [START, _block(0, type="text", text="")], complete=False)
    assert reply.usage == Usage(input=15, output=None, cache_read=4)
    assert reply.finish_reasons == [None]


REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
    "pause_turn": "pause_turn",
    "brand_new": "brand_new",
}


@pytest.mark.parametrize(("reason", "wanted"), REASONS.items())
def test_finish_reasons(reason: str, wanted: str) -> None:
    assert whole(messages.Reader, {"stop_reason": reason}).finish_reasons == [wanted]
    assert streamed(messages.Reader, [START, _end(reason)]).finish_reasons == [wanted]


BLOCKS: dict[str, tuple[list[Any], list[dict[str, Any]]]] = {
    "text, with citations between": (
        [
            _block(0, type="text", text=""),
            _delta(0, type="text_delta", text="H"),
            _delta(0, type="citations_delta", citation={"cited_text": "x"}),
            _delta(0, type="text_delta", text="i"),
        ],
        [{"type": "text", "content": "Hi"}],
    ),
    "text that is there from the start": (
        [_block(0, type="text", text="H"), _delta(0, type="text_delta", text="i")],
        [{"type": "text", "content": "Hi"}],
    ),
    "thinking, and its signature is not kept": (
        [
            _block(0, type="thinking", thinking="", signature=""),
            _delta(0, type="thinking_delta", thinking="Hm"),
            _delta(0, type="signature_delta", signature="secret"),
        ],
        [{"type": "reasoning", "content": "Hm"}],
    ),
    "thinking that is not shown": (
        [
            _block(0, type="thinking", thinking="", signature=""),
            _delta(0, type="signature_delta", signature="secret"),
        ],
        [{"type": "redacted_reasoning"}],
    ),
    "tool use in pieces": (
        [
            _block(0, type="tool_use", id="t", name="look", input={}),
            _delta(0, type="input_json_delta", partial_json=""),
            _delta(0, type="input_json_delta", partial_json='{"a"'),
            _delta(0, type="input_json_delta", partial_json=": 1}"),
        ],
        [{"type": "tool_call", "id": "t", "name": "look", "arguments": {"a": 1}}],
    ),
    "tool use cut off": (
        [
            _block(0, type="tool_use", id="t", name="look", input={}),
            _delta(0, type="input_json_delta", partial_json='{"a"'),
        ],
        [{"type": "tool_call", "id": "t", "name": "look", "arguments": '{"a"'}],
    ),
    "tool use without input": (
        [_block(0, type="tool_use", id="t", name="look", input={})],
        [{"type": "tool_call", "id": "t", "name": "look", "arguments": {}}],
    ),
    "server tool": (
        [
            _block(0, type="server_tool_use", id="s", name="web_search", input={}),
            _delta(0, type="input_json_delta", partial_json='{"query": "x"}'),
            _block(
                1,
                type="web_search_tool_result",
                tool_use_id="s",
                content=[{"type": "web_search_result", "url": "u", "encrypted_content": "secret"}],
            ),
        ],
        [
            {
                "type": "server_tool_call",
                "id": "s",
                "name": "web_search",
                "server_tool_call": {"type": "web_search", "input": {"query": "x"}},
            },
            {
                "type": "server_tool_call_response",
                "id": "s",
                "server_tool_call_response": {
                    "type": "web_search",
                    "content": [{"type": "web_search_result", "url": "u"}],
                },
            },
        ],
    ),
    "blocks by turns": (
        [
            _block(0, type="text", text=""),
            _block(1, type="text", text=""),
            _delta(1, type="text_delta", text="b"),
            _delta(0, type="text_delta", text="a"),
        ],
        [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}],
    ),
    "a piece of no block": (
        [_delta(0, type="text_delta", text="a")],
        [{"type": "text", "content": "a"}],
    ),
    "compaction": (
        [
            _block(0, type="compaction", content=None),
            _delta(0, type="compaction_delta", content="So far"),
        ],
        [{"type": "compaction", "content": "So far"}],
    ),
}


@pytest.mark.parametrize(("events", "wanted"), BLOCKS.values(), ids=BLOCKS)
def test_blocks_of_streams(events: list[Any], wanted: list[dict[str, Any]]) -> None:
    reply = streamed(messages.Reader, [START, *events, _end()])
    assert parts(reply) == wanted
    assert streamed(messages.Reader, [START, *events, _end()], keep=False).messages == []


def test_errors() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "No."}}
    late = streamed(messages.Reader, [START, error])
    first = streamed(messages.Reader, [error])
    in_body = whole(messages.Reader, error)
    for reply in (late, first, in_body):
        assert (reply.error, reply.error_message) == ("overloaded_error", "No.")
        assert reply.finish_reasons == [None]


def test_ids() -> None:
    body = {"id": "msg_1", "model": "claude-1", "container": {"id": "container_1"}}
    attributes = whole(messages.Reader, body).attributes
    assert attributes[semconv.RESPONSE_ID] == "msg_1"
    assert attributes["otelier.provider.container.id"] == "container_1"


def test_system_instructions() -> None:
    assert messages.content({"system": "a"}).system == [{"type": "text", "content": "a"}]
    blocks = [{"type": "text", "text": "a", "cache_control": {}}, {"type": "text", "text": "b"}]
    assert messages.content({"system": blocks}).system == [
        {"type": "text", "content": "a"},
        {"type": "text", "content": "b"},
    ]


TOOL_RESULTS: dict[str, tuple[Any, Any]] = {
    "text": ("a", "a"),
    "one text": ([{"type": "text", "text": "a"}], "a"),
    "two texts": (
        [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}],
    ),
    "an image": (
        [{"type": "image", "source": {"type": "url", "url": "u"}}],
        [{"type": "uri", "modality": "image", "uri": "u"}],
    ),
    "nothing": (None, []),
}


@pytest.mark.parametrize(("content", "wanted"), TOOL_RESULTS.values(), ids=TOOL_RESULTS)
def test_tool_results(content: Any, wanted: Any) -> None:
    block = {"type": "tool_result", "tool_use_id": "t", "content": content, "is_error": True}
    assert messages.blocks([block]) == [
        {"type": "tool_call_response", "id": "t", "response": wanted, "is_error": True}
    ]


def test_counting_tokens_is_no_usage() -> None:
    reply = whole(messages.CountReader, {"input_tokens": 9})
    assert reply.usage is None
    assert reply.attributes == {semconv.COUNTED_TOKENS: 9}


def test_legacy_completion() -> None:
    body = {"type": "completion", "id": "c", "completion": " Hi", "stop_reason": "stop_sequence"}
    assert parts(whole(messages.Reader, body)) == [{"type": "text", "content": " Hi"}]
    pieces = [{**body, "completion": "H", "stop_reason": None}, {**body, "completion": "i"}]
    reply = streamed(messages.Reader, pieces)
    assert parts(reply) == [{"type": "text", "content": "Hi"}]
    assert reply.finish_reasons == ["stop"]
