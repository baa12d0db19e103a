"""The Responses API: every status, background, early ends, and items of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otelier import semconv
from otelier.protocols.openai import responses
from otelier.protocols.routes import OPENAI
from otelier.protocols.table import Table
from tests.protocols.reading import parts, streamed, whole

TEXT: dict[str, Any] = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hi"}],
}
CALL: dict[str, Any] = {
    "type": "function_call",
    "call_id": "call_1",
    "name": "look",
    "arguments": '{"a": 1}',
}
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def _response(status: str | None, *output: Any, **rest: Any) -> dict[str, Any]:
    return {"id": "resp_1", "model": "m-1", "status": status, "output": list(output), **rest}


def _failed(error: Any = None) -> dict[str, Any]:
    return _response("failed", error=error)


REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "not streamed": ({"stream": False}, {}),
    "tier auto": ({"service_tier": "auto"}, {}),
    "tier": ({"service_tier": "flex"}, {"openai.request.service_tier": "flex"}),
    "conversation as text": ({"conversation": "conv_1"}, {"gen_ai.conversation.id": "conv_1"}),
    "conversation": ({"conversation": {"id": "conv_1"}}, {"gen_ai.conversation.id": "conv_1"}),
    "no conversation": ({"conversation": {"id": None}}, {}),
    "prompt": (
        {"prompt": {"id": "pmpt_1", "version": "2"}},
        {"gen_ai.prompt.name": "pmpt_1", "gen_ai.prompt.version": "2"},
    ),
    "prompt, newest version": ({"prompt": {"id": "pmpt_1"}}, {"gen_ai.prompt.name": "pmpt_1"}),
    "version of nothing": ({"prompt": {"version": "2"}}, {}),
    "previous": (
        {"previous_response_id": "resp_0"},
        {"gen_ai.request.previous_response.id": "resp_0"},
    ),
    "effort": ({"reasoning": {"effort": "low"}}, {"gen_ai.request.reasoning.level": "low"}),
    "no effort": ({"reasoning": {"effort": None, "summary": "auto"}}, {}),
    "JSON": (
        {"text": {"format": {"type": "json_schema", "schema": {}}}},
        {"gen_ai.output.type": "json"},
    ),
    "verbosity alone": ({"text": {"verbosity": "low"}}, {}),
}


@pytest.mark.parametrize(("body", "wanted"), REQUESTS.values(), ids=REQUESTS)
def test_request(body: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert responses.request(body) == wanted


# body -> finish reasons, error
STATUSES: dict[str, tuple[dict[str, Any], list[str], str | None]] = {
    "completed": (_response("completed", TEXT), ["stop"], None),
    "completed with a call": (_response("completed", TEXT, CALL), ["tool_call"], None),
    "no status, as old servers": (_response(None, TEXT), ["stop"], None),
    "too long": (
        _response("incomplete", TEXT, incomplete_details={"reason": "max_output_tokens"}),
        ["length"],
        None,
    ),
    "filtered": (
        _response("incomplete", incomplete_details={"reason": "content_filter"}),
        ["content_filter"],
        None,
    ),
    "incomplete in its own words": (
        _response("incomplete", incomplete_details={"reason": "tired"}),
        ["tired"],
        None,
    ),
    "incomplete without details": (_response("incomplete"), ["incomplete"], None),
    "failed": (_failed({"code": "server_error", "message": "No."}), ["error"], "server_error"),
    "failed without details": (_failed(), ["error"], "_OTHER"),
    "cancelled": (_response("cancelled"), [], None),
    "background, queued": (_response("queued", background=True), [], None),
    "background, at work": (_response("in_progress", background=True), [], None),
    "only an error": ({"error": {"code": "bad", "message": "No."}}, ["error"], "bad"),
    "compaction": (
        {"id": "resp_1", "object": "response.compaction", "output": [{"type": "compaction"}]},
        ["stop"],
        None,
    ),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("body", "reasons", "error"), STATUSES.values(), ids=STATUSES)
def test_status(body: dict[str, Any], reasons: list[str], error: str | None, keep: bool) -> None:
    reply = whole(responses.Reader, body, keep=keep)
    assert (reply.finish_reasons, reply.error) == (reasons, error)
    assert ("gen_ai.conversation.compacted" in reply.attributes) == ("object" in body)
    assert "gen_ai.response.status" not in reply.attributes


@pytest.mark.parametrize(("body", "reasons", "error"), STATUSES.values(), ids=STATUSES)
def test_fetched(body: dict[str, Any], reasons: list[str], error: str | None) -> None:
    """That a generation failed once does not make fetching it fail."""
    reply = whole(responses.fetched, {**body, "instructions": "Be brief."})
    if body.get("status") == "cancelled":
        reasons = ["error"]  # As the conventions want it of what is fetched.
    assert (reply.finish_reasons, reply.error) == (reasons, None)
    assert reply.attributes.get("gen_ai.response.status") == body.get("status")
    assert reply.system == [{"type": "text", "content": "Be brief."}]


def _event(kind: str, **rest: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **rest}


def _last(status: str, *output: Any, **rest: Any) -> dict[str, Any]:
    return _event(status, response=_response(status, *output, **rest))


CREATED = _event("created", response=_response("in_progress", usage=None))
DELTAS = [_event("output_text.delta", delta=piece) for piece in ("H", "i")]
DONE = _event("output_item.done", item=TEXT)
# events -> parts, finish reasons, error
STREAMS: dict[str, tuple[list[Any], list[dict[str, Any]], list[str], str | None]] = {
    "completed": (
        [CREATED, *DELTAS, DONE, _last("completed", TEXT, usage=USAGE)],
        [{"type": "text", "content": "Hi"}],
        ["stop"],
        None,
    ),
    "the last event has no output": (
        [CREATED, *DELTAS, DONE, _last("completed", usage=USAGE)],
        [{"type": "text", "content": "Hi"}],
        ["stop"],
        None,
    ),
    "left in the middle of a text": (
        [CREATED, *DELTAS],
        [{"type": "text", "content": "Hi"}],
        [],
        None,
    ),
    "left in the middle of a second text": (
        [CREATED, *DELTAS, DONE, DELTAS[0]],
        [{"type": "text", "content": "Hi"}, {"type": "text", "content": "H"}],
        [],
        None,
    ),
    "failed": (
        [CREATED, *DELTAS, _last("failed", error={"code": "server_error", "message": "No."})],
        [{"type": "text", "content": "Hi"}],
        ["error"],
        "server_error",
    ),
    "an error event": (
        [CREATED, {"type": "error", "code": "bad", "message": "No."}],
        [],
        ["error"],
        "bad",
    ),
    "an error event with an object": (
        [CREATED, {"type": "error", "error": {"code": "bad", "message": "No."}}],
        [],
        ["error"],
        "bad",
    ),
    "background, queued": ([_last("queued", background=True)], [], [], None),
    "too long": (
        [CREATED, _last("incomplete", TEXT, incomplete_details={"reason": "max_output_tokens"})],
        [{"type": "text", "content": "Hi"}],
        ["length"],
        None,
    ),
    "events of no known kind": (
        [None, 3, {}, {"type": None}, {"type": ["x"]}, _last("completed", CALL)],
        [{"type": "tool_call", "id": "call_1", "name": "look", "arguments": {"a": 1}}],
        ["tool_call"],
        None,
    ),
}


@pytest.mark.parametrize(("events", "wanted", "reasons", "error"), STREAMS.values(), ids=STREAMS)
def test_streams(
    events: list[Any], wanted: list[dict[str, Any]], reasons: list[str], error: str | None
) -> None:
    reply = streamed(responses.Reader, events)
    assert (parts(reply) if wanted else reply.messages) == wanted
    assert (reply.finish_reasons, reply.error) == (reasons, error)


def test_an_early_end_has_no_usage_and_no_placeholder() -> None:
    reply = streamed(responses.Reader, [CREATED, *DELTAS], complete=False)
    assert reply.usage is None
    assert reply.attributes[semconv.RESPONSE_ID] == "resp_1"


def test_web_searches_are_counted() -> None:
    used = {"web_search": {"num_requests": 3}}
    reply = whole(responses.Reader, _response("completed", TEXT, usage=USAGE, tool_usage=used))
    assert reply.usage is not None
    assert reply.usage.web_searches == 3


# One item -> role, part
ITEMS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "computer call": (
        {"id": "cu", "type": "computer_call", "call_id": "c", "actions": [{"type": "wait"}]},
        "assistant",
        {
            "type": "tool_call",
            "id": "c",
            "name": "computer",
            "arguments": {"actions": [{"type": "wait"}]},
        },
    ),
    "computer screenshot as a file": (
        {
            "type": "computer_call_output",
            "call_id": "c",
            "output": {"type": "computer_screenshot", "file_id": "file-1"},
        },
        "tool",
        {
            "type": "tool_call_response",
            "id": "c",
            "response": [{"type": "file", "modality": "image", "file_id": "file-1"}],
        },
    ),
    "shell here": (
        {"id": "s", "type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
        "assistant",
        {
            "type": "tool_call",
            "id": "c",
            "name": "shell",
            "arguments": {"action": {"commands": ["ls"]}},
        },
    ),
    "shell at the provider": (
        {
            "id": "s",
            "type": "shell_call",
            "call_id": "c",
            "action": {"commands": ["ls"]},
            "environment": {"type": "container_reference", "container_id": "cntr"},
        },
        "assistant",
        {
            "type": "server_tool_call",
            "id": "s",
            "name": "shell",
            "server_tool_call": {
                "type": "shell",
                "call_id": "c",
                "action": {"commands": ["ls"]},
                "environment": {"type": "container_reference", "container_id": "cntr"},
            },
        },
    ),
    "what a shell printed": (
        {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "stderr": ""}]},
        "tool",
        {"type": "tool_call_response", "id": "c", "response": [{"stdout": "a", "stderr": ""}]},
    ),
    "MCP call": (
        {"id": "m", "type": "mcp_call", "name": "find", "server_label": "docs", "output": "x"},
        "assistant",
        {
            "type": "server_tool_call",
            "id": "m",
            "name": "find",
            "server_tool_call": {
                "type": "mcp",
                "name": "find",
                "server_label": "docs",
                "output": "x",
            },
        },
    ),
    "approval": (
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        "user",
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
    ),
    "program": (
        {"id": "p", "type": "program_output", "call_id": "c", "result": "2"},
        "assistant",
        {
            "type": "server_tool_call_response",
            "id": "c",
            "server_tool_call_response": {"type": "program", "call_id": "c", "result": "2"},
        },
    ),
    "tool search of the application's": (
        {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"q": 1}},
        "assistant",
        {"type": "tool_call", "id": "c", "name": "tool_search", "arguments": {"q": 1}},
    ),
    "message without a type": (
        {"role": "developer", "content": "Hi"},
        "developer",
        {"type": "text", "content": "Hi"},
    ),
    "no role": ({"content": "Hi"}, "user", {"type": "text", "content": "Hi"}),
    "item of a new kind": (
        {"id": "n", "type": "brand_new", "value": 1},
        "user",
        {"id": "n", "type": "brand_new", "value": 1},
    ),
}


@pytest.mark.parametrize(("item", "role", "part"), ITEMS.values(), ids=ITEMS)
def test_items(item: dict[str, Any], role: str, part: dict[str, Any]) -> None:
    assert responses.messages([item]) == [{"role": role, "parts": [part]}]


def test_a_computer_call_waits_for_the_application() -> None:
    item = ITEMS["computer call"][0]
    assert whole(responses.Reader, _response("completed", item)).finish_reasons == ["tool_call"]
    hosted = ITEMS["shell at the provider"][0]
    assert whole(responses.Reader, _response("completed", hosted)).finish_reasons == ["stop"]


def test_one_turn_is_one_message() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}
    found = responses.messages([{"role": "user", "content": "a"}, thought, CALL, TEXT, CALL])
    assert [(m["role"], len(m["parts"])) for m in found] == [("user", 1), ("assistant", 4)]


def test_ciphertext_is_not_kept() -> None:
    items = [
        {"type": "reasoning", "summary": [], "encrypted_content": "secret"},
        {"type": "compaction", "id": "c", "encrypted_content": "secret"},
        {"type": "web_search_call", "id": "w", "encrypted_content": "secret"},
        {"type": "image_generation_call", "id": "i", "result": ""},
    ]
    assert "secret" not in str(responses.messages(items))


def test_tool_definitions() -> None:
    tools = [
        {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True},
        {"type": "mcp", "server_label": "docs", "authorization": "Bearer x"},
        {"type": "web_search"},
    ]
    assert responses.content({"tools": tools}).tools == [
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "mcp", "name": "docs"},
        {"type": "web_search", "name": "web_search"},
    ]


ROUTES: list[tuple[str, str, str | None, str | None]] = [
    ("post", "/responses", "chat", None),
    ("post", "https://host/v1/responses?beta=true", "chat", None),
    ("get", "/responses/resp_1", "fetch_response", "resp_1"),
    ("get", "/responses/resp_1?stream=true", "fetch_response", "resp_1"),
    ("post", "/responses/resp_1/cancel", "cancel_response", "resp_1"),
    ("post", "/responses/compact", "chat", None),
    ("delete", "/responses/resp_1", None, None),
    ("get", "/responses/resp_1/input_items", None, None),
    ("post", "/openai/deployments/gpt-4o/chat/completions", "chat", None),
    ("post", "/completions", "text_completion", None),
    ("post", "/v1/embeddings/", "embeddings", None),
    ("get", "/chat/completions/chatcmpl_1", "fetch_response", "chatcmpl_1"),
    ("post", "/chat/completions/chatcmpl_1", None, None),
    ("get", "/chat/completions/chatcmpl_1/messages", None, None),
    ("get", "/chat/completions", None, None),
    ("post", "/responses/input_tokens?beta=true", "count_tokens", None),
    ("post", "/decisions", "generate_content", None),
    ("post", "/videos", "generate_content", None),
    ("post", "/videos/edits", "generate_content", None),
    ("post", "/videos/video_1/remix", "generate_content", "video_1"),
    ("post", "/videos/characters", None, None),
    ("get", "/videos/video_1", None, None),
    ("get", "/videos/video_1/content", None, None),
    ("post", "/vector_stores/vs_1/search", "retrieval", "vs_1"),
    ("post", "/vector_stores/vs_1/files", None, None),
    ("post", "/batches", None, None),
    ("post", "", None, None),
]


@pytest.mark.parametrize(("method", "url", "operation", "id"), ROUTES)
def test_routes(method: str, url: str, operation: str | None, id: str | None) -> None:
    found = Table(OPENAI).find(method, url)
    if operation is None:
        assert found is None
    else:
        assert found is not None
        assert (found[0].operation, found[1]) == (operation, id)


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({}, {}),
        ({"stream": True}, {}),
        ({"starting_after": 0}, {"gen_ai.request.stream_cursor": "0"}),
        ({"starting_after": "7", "stream": "true"}, {"gen_ai.request.stream_cursor": "7"}),
    ],
)
def test_fetching(params: dict[str, Any], wanted: dict[str, Any]) -> None:
    request: Callable[[Any], Any] = responses.fetch_request
    assert request(params) == wanted
