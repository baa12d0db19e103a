"""Spans of model calls as stores have them, with any text in any place."""

from __future__ import annotations

import json
from typing import Any

from otelier import semconv
from otelier.store.spans import StoredSpan

CHAT = {
    semconv.OPERATION_NAME: semconv.CHAT,
    semconv.PROVIDER_NAME: "openai",
    semconv.OPENAI_API_TYPE: "chat_completions",
    semconv.SERVER_ADDRESS: "127.0.0.1",
    semconv.SERVER_PORT: 8080,
    semconv.REQUEST_MODEL: "m",
    semconv.INPUT_MESSAGES: '[{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]',
}
RESPONSES = {**CHAT, semconv.OPENAI_API_TYPE: "responses"}
MESSAGES = {
    **{name: value for name, value in CHAT.items() if name != semconv.OPENAI_API_TYPE},
    semconv.PROVIDER_NAME: "anthropic",
    semconv.REQUEST_MAX_TOKENS: 9,
}
GEMINI = {
    **MESSAGES,
    semconv.OPERATION_NAME: semconv.GENERATE_CONTENT,
    semconv.PROVIDER_NAME: "gcp.gemini",
}
EMBEDDINGS = {
    **CHAT,
    semconv.OPERATION_NAME: semconv.EMBEDDINGS,
    semconv.OPENAI_API_TYPE: "",
    semconv.EMBEDDINGS_INPUTS: 2,
}
FORMATS: dict[str, dict[str, Any]] = {
    "chat_completions": CHAT,
    "responses": RESPONSES,
    "embeddings": EMBEDDINGS,
    "messages": MESSAGES,
    "generate_content": GEMINI,
}


def span(attributes: dict[str, Any], **more: Any) -> StoredSpan:
    """A span; ``more`` with ``__`` in place of dots."""
    return StoredSpan(
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        span_id="00f067aa0ba902b7",
        parent_id=None,
        name="chat",
        attributes={**attributes, **{name.replace("__", "."): each for name, each in more.items()}},
    )


def with_everywhere(attributes: dict[str, Any], text: str) -> StoredSpan:
    """A span with a text in every place that holds texts, but for where the request goes."""
    media = {"mime_type": text, "modality": text}
    parts = [
        {"type": "text", "content": text},
        {"type": "reasoning", "content": text},
        {"type": "refusal", "content": text},
        {"type": "tool_call", "id": text, "name": text, "arguments": {text: [text]}},
        {"type": "tool_call", "id": text, "name": text, "arguments": text},
        {"type": "tool_call_response", "id": text, "name": text, "response": text},
        {"type": "tool_call_response", "id": text, "response": {text: text}},
        {"type": "tool_call_response", "response": [{"type": "text", "content": text}, text]},
        {"type": "server_tool_call", "id": text, "name": text, "server_tool_call": {text: text}},
        {"type": "blob", **media, "content": text},
        {"type": "blob", "modality": "image", "mime_type": text, "content": text},
        {"type": "blob", **media, "content": "", "sha256": text, "size": 1},
        {"type": "uri", **media, "uri": text},
        {"type": "uri", "modality": "image", "uri": text},
        {"type": "uri", **media, "uri": text, "sha256": text},
        {"type": "file", **media, "file_id": text},
        {"type": text, text: text},
    ]
    messages = [
        {"role": role, "name": text, "parts": parts} for role in ("user", "assistant", "tool", text)
    ]
    tools = [
        {"type": "function", "name": text, "description": text, "parameters": {text: {text: text}}},
        {"type": "function", "name": text},
        {"type": "custom", "name": text, "description": text},
        {"type": text, "name": text},
        {"type": "web_search" + text, "name": text},
    ]
    named = {
        name: text
        for name in (
            semconv.REQUEST_MODEL,
            semconv.REQUEST_REASONING_LEVEL,
            semconv.REQUEST_PREVIOUS_RESPONSE_ID,
            semconv.OPENAI_REQUEST_SERVICE_TIER,
            semconv.PROVIDER_PREFIX + "request_service_tier",
            semconv.PROVIDER_PREFIX + "cached_content",
            semconv.OUTPUT_TYPE,
        )
        if name != semconv.REQUEST_PREVIOUS_RESPONSE_ID or semconv.OPENAI_API_TYPE in attributes
    }
    return span(
        {
            **attributes,
            **named,
            semconv.CONVERSATION_ID: "conv_" + text,
            semconv.PROMPT_NAME: "pmpt_" + text,
            semconv.PROMPT_VERSION: text,
            semconv.REQUEST_STOP_SEQUENCES: [text, text],
            semconv.REQUEST_ENCODING_FORMATS: [text],
            semconv.SYSTEM_INSTRUCTIONS: json.dumps([{"type": "text", "content": text}]),
            semconv.INPUT_MESSAGES: json.dumps(messages),
            semconv.TOOL_DEFINITIONS: json.dumps(tools),
        }
    )
