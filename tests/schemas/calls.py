"""Calls with every kind of content, for the conventions to be checked on what comes of them.

A model call is written as a recording: request body and answer, as the providers document them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import otelier
from tests.replay.client import Clients
from tests.replay.recordings import Interaction, Recording
from tests.servers import ProviderServer, Sse, anthropic_wire, openai_wire
from tests.servers.replies import encode_json

JsonDict: TypeAlias = dict[str, Any]

PNG = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
URL = "https://example.com/it"
_PATHS = {
    "chat": ("openai", "https://api.openai.com/v1/chat/completions"),
    "responses": ("openai", "https://api.openai.com/v1/responses"),
    "messages": ("anthropic", "https://api.anthropic.com/v1/messages"),
    "beta": ("anthropic", "https://api.anthropic.com/v1/messages?beta=true"),
}


def _call(
    name: str, api: str, asked: JsonDict, answer: JsonDict | Sequence[JsonDict], status: int = 200
) -> Recording:
    sdk, url = _PATHS[api]
    if isinstance(answer, dict):
        body, kind = encode_json(answer), "application/json"
    else:
        asked = {**asked, "stream": True}
        body = b"".join(Sse(answer, named=sdk == "anthropic").chunked().parts)
        kind = "text/event-stream"
    headers = {"content-type": kind, "x-request-id": "req_1", "request-id": "req_1"}
    return Recording(sdk, name, (Interaction(sdk, url, asked, status, headers, body),))


# --- OpenAI chat ------------------------------------------------------------------------------

_CHAT_TOOLS: list[JsonDict] = [
    {
        "type": "function",
        "function": {"name": "look", "description": "Look it up", "parameters": SCHEMA},
    },
    {"type": "custom", "custom": {"name": "run_sql", "format": {"type": "text"}}},
]
_CHAT_CALLS: list[JsonDict] = [
    openai_wire.tool_call("look", {"city": "Paris"}),
    openai_wire.tool_call("look", None, id="call_empty"),
    {"id": "call_broken", "type": "function", "function": {"name": "look", "arguments": '{"c'}},
    {"id": "call_custom", "type": "custom", "custom": {"name": "run_sql", "input": "SELECT 1"}},
]
_CHAT_MESSAGES: list[JsonDict] = [
    {"role": "developer", "content": "Be brief.", "name": "ops"},
    {"role": "system", "content": [{"type": "text", "text": "And kind."}]},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What are these?"},
            {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": PNG}},
            {"type": "image_url", "image_url": URL},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}},
            {"type": "video_url", "video_url": {"url": URL}},
            {"type": "something_new", "value": {"deep": [1, 2]}},
        ],
    },
    {"role": "assistant", "content": None, "tool_calls": _CHAT_CALLS},
    {"role": "tool", "tool_call_id": "call_local_1", "content": "rainy"},
    {
        "role": "tool",
        "tool_call_id": "call_custom",
        "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
    },
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "refusal": "No."},
    {"role": "assistant", "audio": {"id": "audio_1"}, "content": None},
    {"role": "assistant", "content": "Yes", "reasoning_content": "Let me think."},
    {"role": "assistant", "function_call": {"name": "old", "arguments": "{}"}, "content": None},
    {"role": "function", "name": "old", "content": "done"},
]
_CHAT: JsonDict = {"model": "gpt-4o", "messages": _CHAT_MESSAGES, "tools": _CHAT_TOOLS}
_ALL_SETTINGS: JsonDict = {
    **_CHAT,
    "max_completion_tokens": 10,
    "temperature": 1,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 1,
    "seed": 7,
    "n": 2,
    "stop": ["a", "b"],
    "reasoning_effort": "low",
    "service_tier": "flex",
    "response_format": {"type": "json_object"},
}
_CHAT_USAGE: JsonDict = {
    "prompt_tokens": 300,
    "completion_tokens": 50,
    "total_tokens": 350,
    "prompt_tokens_details": {
        "cached_tokens": 40,
        "cache_write_tokens": 20,
        "text_tokens": 100,
        "image_tokens": 150,
        "audio_tokens": 50,
        "cached_tokens_details": {"text_tokens": 40, "audio_tokens": 0, "image_tokens": 0},
    },
    "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 5, "text_tokens": 45},
}


def _chat_answer(message: JsonDict, finish: str = "stop", **rest: Any) -> JsonDict:
    whole = openai_wire.chat_completion(message)
    whole["choices"][0]["finish_reason"] = finish
    return {**whole, "usage": _CHAT_USAGE, **rest}


_SOUND = {"id": "audio_2", "data": "SUQz", "transcript": "Hello", "expires_at": 1}
_CHAT_ANSWERS: dict[str, JsonDict | list[JsonDict]] = {
    "text": _chat_answer({"role": "assistant", "content": "Hi"}, service_tier="default"),
    "refusal": _chat_answer({"role": "assistant", "content": None, "refusal": "No."}),
    "calls": _chat_answer({"role": "assistant", "tool_calls": _CHAT_CALLS}, "tool_calls"),
    "audio": _chat_answer({"role": "assistant", "content": None, "audio": _SOUND}, "length"),
    "thoughts": _chat_answer(
        {"role": "assistant", "content": "Hi", "reasoning_content": "Well"}, "content_filter"
    ),
    "images": _chat_answer(
        {"role": "assistant", "content": "", "images": [{"type": "image_url", "image_url": PNG}]}
    ),
    "nothing": _chat_answer({"role": "assistant", "content": None}, choices=[]),
    "stream": openai_wire.chat_chunks({"role": "assistant", "content": "Hi there"}),
    "streamed calls": openai_wire.chat_chunks(
        {"role": "assistant", "content": None, "tool_calls": _CHAT_CALLS[:2]}
    ),
    "streamed error": [{"error": {"message": "No.", "code": 502}}],
    "stream cut off": openai_wire.chat_chunks({"role": "assistant", "content": "Hi there"})[:2],
}
_FAILED: JsonDict = {"error": {"message": "No.", "type": "requests", "code": "rate_limit"}}

# --- OpenAI responses -------------------------------------------------------------------------

_SHOWN = {"type": "computer_screenshot", "image_url": PNG}
_ITEMS: list[JsonDict] = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
    {"id": "rs_2", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
    {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": "look",
        "arguments": '{"city": "Paris"}',
        "status": "completed",
    },
    {"type": "function_call_output", "call_id": "call_1", "output": "rainy"},
    {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PNG}],
    },
    {"type": "custom_tool_call", "call_id": "c_2", "name": "run_sql", "input": "SELECT 1"},
    {"type": "custom_tool_call_output", "call_id": "c_2", "output": "1"},
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}},
    {
        "id": "fs_1",
        "type": "file_search_call",
        "status": "completed",
        "queries": ["weather"],
        "results": [{"file_id": "file-1", "filename": "a.md", "score": 0.5, "text": "rain"}],
    },
    {
        "id": "ci_1",
        "type": "code_interpreter_call",
        "status": "completed",
        "code": "1 + 1",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "2"}],
    },
    {
        "id": "ig_1",
        "type": "image_generation_call",
        "status": "completed",
        "result": "iVBORw0KGgo=",
        "output_format": "png",
    },
    {
        "id": "cu_1",
        "type": "computer_call",
        "call_id": "call_3",
        "status": "completed",
        "actions": [{"type": "click", "button": "left", "x": 1, "y": 2}],
        "pending_safety_checks": [],
    },
    {"type": "computer_call_output", "call_id": "call_3", "output": _SHOWN},
    {
        "id": "ls_1",
        "type": "local_shell_call",
        "call_id": "call_4",
        "status": "completed",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
    {"id": "ls_2", "type": "local_shell_call_output", "call_id": "call_4", "output": "a.txt"},
    {
        "id": "sh_1",
        "type": "shell_call",
        "call_id": "call_5",
        "status": "completed",
        "action": {"commands": ["ls"]},
    },
    {
        "type": "shell_call_output",
        "call_id": "call_5",
        "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "id": "ap_1",
        "type": "apply_patch_call",
        "call_id": "call_6",
        "status": "completed",
        "operation": {"type": "create_file", "path": "a", "diff": "+a"},
    },
    {"type": "apply_patch_call_output", "call_id": "call_6", "status": "completed"},
    {
        "id": "ml_1",
        "type": "mcp_list_tools",
        "server_label": "docs",
        "tools": [{"name": "find", "input_schema": SCHEMA}],
    },
    {
        "id": "ma_1",
        "type": "mcp_approval_request",
        "name": "find",
        "arguments": "{}",
        "server_label": "docs",
    },
    {
        "id": "mr_1",
        "type": "mcp_approval_response",
        "approval_request_id": "ma_1",
        "approve": True,
    },
    {
        "id": "mc_1",
        "type": "mcp_call",
        "name": "find",
        "arguments": "{}",
        "server_label": "docs",
        "output": "found",
    },
    {
        "id": "ts_1",
        "type": "tool_search_call",
        "arguments": {"q": "x"},
        "execution": "server",
        "status": "completed",
    },
    {
        "id": "to_1",
        "type": "tool_search_output",
        "execution": "server",
        "tools": [],
        "status": "completed",
    },
    {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"},
    {"id": "new_1", "type": "something_new", "value": 1},
]
_MESSAGE_PARTS: list[JsonDict] = [
    {"type": "input_text", "text": "Look"},
    {"type": "input_image", "image_url": URL, "detail": "auto"},
    {"type": "input_image", "image_url": PNG, "detail": "auto"},
    {"type": "input_image", "file_id": "file-2", "detail": "auto"},
    {"type": "input_file", "file_id": "file-1"},
    {"type": "input_file", "file_url": URL},
    {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a"},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    {"type": "something_new", "value": 1},
]
_SAID: JsonDict = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [
        {"type": "output_text", "text": "It rains.", "annotations": []},
        {"type": "refusal", "refusal": "No more."},
    ],
}
_RESPONSES_TOOLS: list[JsonDict] = [
    {"type": "function", "name": "look", "parameters": SCHEMA, "strict": True},
    {"type": "custom", "name": "run_sql"},
    {"type": "mcp", "server_label": "docs", "server_url": URL},
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation"},
    {"type": "computer"},
    {"type": "namespace", "name": "crm", "description": "CRM", "tools": []},
]
_RESPONSES: JsonDict = {
    "model": "gpt-5",
    "instructions": "Be brief.",
    "input": [{"role": "user", "content": _MESSAGE_PARTS}, *_ITEMS, _SAID],
    "tools": _RESPONSES_TOOLS,
    "conversation": {"id": "conv_1"},
    "prompt": {"id": "pmpt_1", "version": "3"},
    "reasoning": {"effort": "high"},
    "service_tier": "priority",
    "text": {"format": {"type": "json_object"}},
    "max_output_tokens": 10,
    "temperature": 0,
    "top_p": 1,
}
_ASK: JsonDict = {"model": "gpt-5", "input": "Hi"}


def _response(*items: JsonDict, **rest: Any) -> JsonDict:
    return {**openai_wire.response_object(*items), "conversation": {"id": "conv_1"}, **rest}


_RESPONSE_ANSWERS: dict[str, JsonDict | list[JsonDict]] = {
    "everything": _response(*_ITEMS, _SAID),
    "text": _response(_SAID, service_tier="default"),
    "incomplete": _response(
        _SAID, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    ),
    "failed": _response(status="failed", error={"code": "server_error", "message": "No."}),
    "cancelled": _response(status="cancelled"),
    "queued": _response(status="queued", usage=None),
    "stream": openai_wire.response_events(_response(_SAID)),
    "stream failed": [
        {"type": "response.created", "response": _response(status="in_progress", usage=None)},
        {"type": "error", "code": "server_error", "message": "No."},
    ],
    "stream cut off": openai_wire.response_events(_response(_SAID))[:5],
}

# --- Anthropic --------------------------------------------------------------------------------

_IMAGE = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
_BLOCKS: list[JsonDict] = [
    {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
    {"type": "image", "source": _IMAGE},
    {"type": "image", "source": {"type": "url", "url": URL}},
    {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    {"type": "document", "source": {**_IMAGE, "media_type": "application/pdf"}, "title": "A"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A"}},
    {"type": "document", "source": {"type": "content", "content": "A"}},
    {
        "type": "search_result",
        "source": URL,
        "title": "A",
        "content": [{"type": "text", "text": "It rains."}],
    },
    {"type": "container_upload", "file_id": "file_2"},
]
_TURN: list[JsonDict] = [
    anthropic_wire.thinking_block(),
    {"type": "thinking", "thinking": "", "signature": "EqQB"},
    anthropic_wire.redacted_block(),
    {"type": "text", "text": "Let me look."},
    anthropic_wire.tool_use_block("look", {"city": "Paris"}, id="toolu_1"),
    *anthropic_wire.web_search_blocks(),
    {"type": "mcp_tool_use", "id": "mcp_1", "name": "find", "server_name": "docs", "input": {}},
    {
        "type": "mcp_tool_result",
        "tool_use_id": "mcp_1",
        "is_error": False,
        "content": [{"type": "text", "text": "found"}],
    },
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_2",
        "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
    },
    {
        "type": "bash_code_execution_tool_result",
        "tool_use_id": "srvtoolu_3",
        "content": {
            "type": "bash_code_execution_result",
            "stdout": "a",
            "stderr": "",
            "return_code": 0,
            "content": [],
        },
    },
    {"type": "compaction", "content": "They spoke about rain."},
    {"type": "something_new", "value": 1},
]
_RESULTS: list[JsonDict] = [
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rainy"},
    {"type": "tool_result", "tool_use_id": "toolu_1"},
    {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "is_error": True,
        "content": [{"type": "text", "text": "No."}, {"type": "image", "source": _IMAGE}],
    },
]
_MESSAGES: JsonDict = {
    "model": "claude-sonnet-5",
    "max_tokens": 10,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": _BLOCKS},
        {"role": "assistant", "content": _TURN},
        {"role": "user", "content": _RESULTS},
        {"role": "user", "content": "Thanks"},
    ],
    "tools": [
        {"name": "look", "description": "Look", "input_schema": SCHEMA},
        {"type": "custom", "name": "find", "input_schema": SCHEMA},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "temperature": 1,
    "top_p": 1,
    "top_k": 5,
    "stop_sequences": ["a"],
    "service_tier": "standard_only",
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
}
_HELLO: JsonDict = {
    "model": "claude-sonnet-5",
    "max_tokens": 10,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Hi"}],
}


def _message(*blocks: JsonDict, reason: str = "end_turn") -> JsonDict:
    usage = anthropic_wire.message_usage(cache_read=7, cache_5m=5, cache_1h=3, web_searches=1)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": list(blocks),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
        "container": {"id": "container_1", "expires_at": "2026-11-20T00:00:00Z"},
    }


_STREAMED = _message(*_TURN[:1], _TURN[3], _TURN[4], reason="tool_use")
_MESSAGE_ANSWERS: dict[str, JsonDict | list[JsonDict]] = {
    "everything": _message(*_TURN),
    "tool use": _message(_TURN[4], reason="tool_use"),
    "refused": _message(reason="refusal"),
    "paused": _message(_TURN[3], reason="pause_turn"),
    "stream": anthropic_wire.message_events(_STREAMED),
    "stream failed": [
        *anthropic_wire.message_events(_STREAMED)[:4],
        anthropic_wire.anthropic_error(),
    ],
    "stream cut off": anthropic_wire.message_events(_STREAMED)[:4],
}

MODEL_CALLS: tuple[Recording, ...] = (
    *(_call(f"chat {name}", "chat", _CHAT, answer) for name, answer in _CHAT_ANSWERS.items()),
    _call("chat settings", "chat", _ALL_SETTINGS, _CHAT_ANSWERS["text"]),
    _call("chat fails", "chat", _CHAT, _FAILED, 429),
    _call("responses history", "responses", _RESPONSES, _RESPONSE_ANSWERS["text"]),
    *(
        _call(f"responses {name}", "responses", _ASK, answer)
        for name, answer in _RESPONSE_ANSWERS.items()
    ),
    _call("responses fails", "responses", _ASK, _FAILED, 400),
    *(
        _call(f"messages {name}", "messages", _MESSAGES, answer)
        for name, answer in _MESSAGE_ANSWERS.items()
    ),
    _call(
        "beta",
        "beta",
        {**_HELLO, "mcp_servers": [{"type": "url", "name": "docs", "url": URL}]},
        _MESSAGE_ANSWERS["everything"],
    ),
    _call("messages fails", "messages", _HELLO, anthropic_wire.anthropic_error(), 529),
)


# --- other endpoints, and steps ---------------------------------------------------------------

Other: TypeAlias = Callable[[Any, Any], object]


def _steps(openai: Any, anthropic: Any) -> None:
    @otelier.tool(description="Looks at the weather", call_id="call_1")
    def look(city: str) -> JsonDict:
        return {"weather": "rain", "city": city}

    @otelier.tool
    def fail(text: str) -> str:
        raise ValueError(text)

    @otelier.retrieval("docs", provider="acme", model="embedder", top_k=2)
    def search(query: str) -> list[Any]:
        return [("It rains.", 0.5), {"id": "1", "score": 0.25, "content": "Sun"}, "Text"]

    @otelier.agent("clerk", description="Answers", model="gpt-4o")
    def clerk(question: str) -> str:
        look("Paris")
        search(question)
        openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "a"}])
        with otelier.step("polish"):
            return "It rains."

    @otelier.workflow("support")
    def support(question: str) -> str:
        try:
            fail("no")
        except ValueError:
            pass
        otelier.record_evaluation("quality", score=1, label="good", explanation="It is right.")
        return clerk(question)

    support("Does it rain?")
    with otelier.tool("by hand", arguments='{"a": 1}') as handle:
        handle.set_result("plain text")
    with otelier.session(conversation_id="conv_2", session_id="s", user_id="u", tags=["t"]):
        anthropic.messages.create(**_HELLO)


def stored(openai: Any) -> Any:
    """The id of a response to fetch."""
    return openai.responses.create(model="gpt-5", input="a", instructions="Be brief.").id


OTHER_CALLS: Mapping[str, Other] = {
    "embeddings": lambda openai, _: openai.embeddings.create(
        model="text-embedding-3-small", input=["a", "b"], dimensions=8, encoding_format="float"
    ),
    "completions": lambda openai, _: openai.completions.create(
        model="gpt-3.5-turbo-instruct", prompt=["a", "b"], max_tokens=5, n=2, best_of=2
    ),
    "completions streamed": lambda openai, _: list(
        openai.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", stream=True)
    ),
    "images": lambda openai, _: openai.images.generate(model="gpt-image-1", prompt="A cat", n=2),
    "speech": lambda openai, _: openai.audio.speech.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hello"
    ),
    "retrieve": lambda openai, _: openai.responses.retrieve(stored(openai)),
    "steps": _steps,
}


def make(server: ProviderServer, clients: Clients, calls: Sequence[Recording]) -> None:
    """Make recorded calls, synchronously; what goes wrong for the application is not looked at."""
    for call in calls:
        call.serve(server)
        clients.replay(call, False, "create")
    server.clear()


def make_other(server: ProviderServer, clients: Clients) -> None:
    """Make all other calls against the server's own answers."""
    server.clear()
    for call in OTHER_CALLS.values():
        call(clients.of("openai"), clients.of("anthropic"))


def data(text: Any) -> Any:
    """A content attribute's value, from a span's JSON text or an event's structure."""
    return json.loads(text) if isinstance(text, str) else text
