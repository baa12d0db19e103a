"""Calls as programs make them, and in what the request that is made anew differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
from google import genai

from tests.servers import Json, Reply, gemini_wire

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
)
PICTURE = f"data:image/png;base64,{PIXEL}"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ARGUMENTS = '{"city": "Paris, l\'été", "days": [1, 2.5, null, true]}'
DATA = {"city": "Paris, l'été", "days": [1, 2.5, None, True]}
RESULT = '{"weather": "sun", "said": "it\'s \\"fine\\""}'
FORECAST = {
    "type": "function",
    "function": {"name": "forecast", "description": "Tells.", "parameters": SCHEMA},
}


@dataclass(frozen=True)
class Call:
    """A call."""

    make: Callable[[str], Any]
    """Makes it with a client for this address, and reads what comes back."""
    differs: dict[str, str] = field(default_factory=dict)
    """The names of what differs, each with what is told of it."""
    replies: tuple[Reply, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """How otelier is started."""


def _lost(*names: str, **more: str) -> dict[str, str]:
    """Members of a request that are told to be missing by their names, or in other words."""
    return {name: name for name in names} | more


def _openai(url: str) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)


def _chat(**asked: Any) -> Callable[[str], Any]:
    return lambda url: _read(_openai(url).chat.completions.create(**asked))


def _responses(**asked: Any) -> Callable[[str], Any]:
    return lambda url: _read(_openai(url).responses.create(**asked))


def _messages(**asked: Any) -> Callable[[str], Any]:
    def call(url: str) -> Any:
        client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
        return _read(client.messages.create(**asked))

    return call


def _gemini(streams: bool = False, **asked: Any) -> Callable[[str], Any]:
    def call(url: str) -> Any:
        client = genai.Client(api_key="k", http_options={"base_url": url})
        models = client.models
        return _read(
            (models.generate_content_stream if streams else models.generate_content)(**asked)
        )

    return call


def _read(answer: Any) -> Any:
    if isinstance(answer, Iterable) and not hasattr(answer, "model_dump"):
        return list(answer)
    return answer


def _seen(data: str) -> list[dict[str, Any]]:
    image = {"type": "image_url", "image_url": {"url": data}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]


HISTORY = [
    {"role": "developer", "content": 'Be brief.\nAnd "kind"; it\'s $HOME.'},
    {
        "role": "system",
        "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}],
    },
    {"role": "user", "name": "ada", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "forecast", "arguments": ARGUMENTS},
            },
            {
                "id": "call_2",
                "type": "function",
                "function": {"name": "forecast", "arguments": "{}"},
            },
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "rain"}]},
    {"role": "assistant", "content": "Sun.", "refusal": "No more."},
    {"role": "user", "content": ""},
]

OPENAI = {
    "chat: all that is recorded": Call(
        _chat(
            model="gpt-4o",
            messages=HISTORY,
            tools=[FORECAST, {"type": "custom", "custom": {"name": "sql", "description": "Asks."}}],
            temperature=0.5,
            top_p=0.25,
            frequency_penalty=-0.5,
            presence_penalty=0.125,
            seed=-7,
            stop=["END", "\n"],
            n=2,
            max_completion_tokens=99,
            reasoning_effort="low",
            service_tier="flex",
            response_format={"type": "text"},
            extra_body={"top_k": 5},
        ),
        # A host that is nobody's is asked in the older words.
        _lost("max_completion_tokens", max_tokens="whether max_tokens or max_completion_tokens"),
    ),
    "chat: what is not recorded": Call(
        _chat(
            model="gpt-4o",
            messages=[
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hm", "reasoning_content": "I think."},
                *_seen(PICTURE),
            ],
            tools=[{"type": "function", "function": {**FORECAST["function"], "strict": True}}],
            tool_choice="auto",
            parallel_tool_calls=False,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": SCHEMA, "strict": True},
            },
            metadata={"a": "b"},
            user="u",
        ),
        _lost(
            "strict",
            "tool_choice",
            "parallel_tool_calls",
            "response_format",
            "metadata",
            "user",
            content="images and files are left out where their data is not recorded: [image ",
            reasoning_content="reasoning is left out",
        ),
    ),
    "chat: a stream": Call(
        _chat(
            model="gpt-4o",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        ),
        _lost("stream_options"),
    ),
    "chat: images and sounds that are kept": Call(
        _chat(
            model="gpt-4o",
            messages=[
                *_seen(PICTURE),
                *_seen("https://example.com/a.png?b='c'&d=$e"),
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": {"data": PIXEL, "format": "wav"}},
                        {"type": "file", "file": {"file_id": "file-1"}},
                    ],
                },
            ],
        ),
        options={"blobs": "inline"},
    ),
    "chat: functions of old": Call(
        _chat(
            model="gpt-4o",
            messages=[
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "f", "arguments": "{}"},
                },
                {"role": "function", "name": "f", "content": "1"},
            ],
        ),
        # The name of a function is that of the message, not of its author.
    ),
    "chat: custom tools": Call(
        _chat(
            model="gpt-4o",
            messages=[
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "custom",
                            "custom": {"name": "sql", "input": "SELECT 'a'"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "1"},
            ],
            tools=[{"type": "custom", "custom": {"name": "sql"}}],
        ),
    ),
    "responses: a question": Call(
        _responses(
            model="gpt-5",
            instructions="Be brief.",
            input="Hi",
            max_output_tokens=99,
            temperature=0.5,
            top_p=0.25,
            reasoning={"effort": "low"},
            previous_response_id="resp_0",
            service_tier="flex",
            text={"format": {"type": "text"}},
            prompt={"id": "pmpt_1", "version": "2"},
        ),
    ),
    "responses: a loop of tools": Call(
        _responses(
            model="gpt-5",
            input=[
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
                {"type": "item_reference", "id": "msg_1"},
                {
                    "type": "function_call",
                    "call_id": "c1",
                    "name": "forecast",
                    "arguments": ARGUMENTS,
                },
                {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "SELECT 'a'"},
                {"type": "function_call_output", "call_id": "c1", "output": RESULT},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": "1"},
                {"role": "assistant", "content": "Sun."},
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "And this?"},
                        {"type": "input_image", "image_url": PICTURE},
                        {"type": "input_image", "file_id": "file-1"},
                        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                    ],
                },
            ],
            tools=[
                {
                    "type": "function",
                    "name": "forecast",
                    "description": "Tells.",
                    "parameters": SCHEMA,
                },
                {"type": "custom", "name": "sql"},
                {"type": "web_search"},
            ],
            stream=True,
        ),
        options={"blobs": "inline"},
    ),
    "responses: what is not recorded": Call(
        _responses(
            model="gpt-5",
            input=[
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
                {"type": "web_search_call", "id": "ws_1", "status": "completed"},
                {"role": "user", "content": "Hi"},
            ],
            tools=[{"type": "file_search", "vector_store_ids": ["vs_1"]}],
            text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
            store=False,
            include=["reasoning.encrypted_content"],
            conversation="conv_1",
        ),
        _lost(
            "store",
            "include",
            input="what tools of the provider did is left out",
            tools="tools of OpenAI are left out: their options are not recorded: file_search",
            text="text.format was set and is not recorded, the answer was to be: json",
            conversation="conversation is left out, what was said in it before is missing: conv_1",
        ),
    ),
    "embeddings": Call(
        lambda url: _openai(url).embeddings.create(
            model="text-embedding-3-small", input=["a", "b"], dimensions=256
        ),
        _lost(input="input is not recorded, it was 2 texts: an empty text stands in its place"),
    ),
}
OTHERS = {
    "anthropic: all that is recorded": Call(
        _messages(
            model="claude-x",
            max_tokens=9_000,
            system='Be brief.\nAnd "kind"; it\'s $HOME.',
            messages=[
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "t1", "name": "forecast", "input": DATA},
                        {"type": "tool_use", "id": "t2", "name": "forecast", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": RESULT},
                        {
                            "type": "tool_result",
                            "tool_use_id": "t2",
                            "is_error": True,
                            "content": [{"type": "text", "text": "no"}],
                        },
                        {
                            "type": "search_result",
                            "source": "s",
                            "title": "t",
                            "content": [{"type": "text", "text": "found"}],
                        },
                        {"type": "text", "text": "And this?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                        },
                        {
                            "type": "document",
                            "source": {"type": "url", "url": "https://example.com/a.pdf"},
                        },
                    ],
                },
            ],
            tools=[
                {"name": "forecast", "description": "Tells.", "input_schema": SCHEMA},
                {"type": "web_search_20250305", "name": "web_search"},
            ],
            stop_sequences=["END"],
            output_config={"effort": "low"},
            service_tier="standard_only",
            extra_body={"temperature": 0.5, "top_p": 0.25, "top_k": 5},
        ),
        options={"blobs": "inline"},
    ),
    "anthropic: what is not recorded": Call(
        _messages(
            model="claude-x",
            max_tokens=2_000,
            system=[{"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}}],
            messages=[
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                        {"type": "text", "text": "Yes?"},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                        },
                        {"type": "text", "text": "What is it?"},
                    ],
                },
            ],
            thinking={"type": "enabled", "budget_tokens": 1024},
            tools=[{"name": "a", "input_schema": SCHEMA}],
            tool_choice={"type": "auto"},
            stream=True,
        ),
        _lost(
            "thinking",
            "tool_choice",
            system="cache_control",
            content="images and files are left out where their data is not recorded: [image ",
        ),
    ),
    "gemini: all that is recorded": Call(
        _gemini(
            model="gemini-2.5-flash",
            contents=[
                {
                    "role": "user",
                    "parts": [
                        {"text": "Weather?\nIt's $HOME."},
                        {"inline_data": {"mime_type": "image/png", "data": b"\x89PNG\xff\xfe'"}},
                        {"file_data": {"mime_type": "application/pdf", "file_uri": "gs://b/f.pdf"}},
                    ],
                },
                {
                    "role": "model",
                    "parts": [
                        {"text": "I look."},
                        {"function_call": {"id": "f1", "name": "forecast", "args": DATA}},
                        {"function_call": {"name": "now", "args": {}}},
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {
                            "function_response": {
                                "id": "f1",
                                "name": "forecast",
                                "response": {"t": 21, "said": "it's"},
                            }
                        },
                        {"function_response": {"name": "now", "response": {"t": "noon"}}},
                    ],
                },
            ],
            config={
                "system_instruction": "Be brief.",
                "temperature": 0.5,
                "top_p": 0.25,
                "top_k": 5,
                "max_output_tokens": 99,
                "candidate_count": 2,
                "stop_sequences": ["END"],
                "seed": 7,
                "presence_penalty": 0.5,
                "frequency_penalty": -0.5,
                "response_mime_type": "application/json",
                "thinking_config": {"thinking_level": "HIGH"},
                "cached_content": "cachedContents/x",
                "tools": [
                    {
                        "function_declarations": [
                            {
                                "name": "forecast",
                                "description": "Tells.",
                                "parameters": {
                                    "type": "OBJECT",
                                    "properties": {"city": {"type": "STRING"}},
                                },
                            }
                        ]
                    },
                    {"google_search": {}},
                ],
            },
        ),
        replies=(Json(gemini_wire.answer()),) * 3,
        options={"blobs": "inline"},
    ),
    "gemini: a stream, and what is not recorded": Call(
        _gemini(
            streams=True,
            model="tunedModels/a b%c",
            contents=[
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"text": "Yes?"}]},
                {
                    "role": "user",
                    "parts": [
                        {"text": "What is it?"},
                        {"inline_data": {"mime_type": "image/png", "data": b"PNG"}},
                    ],
                },
            ],
            config={
                "response_mime_type": "application/json",
                "response_schema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
                "safety_settings": [
                    {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
                ],
            },
        ),
        _lost(
            response_schema="responseSchema",
            safety_settings="safetySettings",
            parts="images and files are left out where their data is not recorded: [image ",
        ),
        replies=(gemini_wire.stream(gemini_wire.answer()),) * 3,
    ),
}
CALLS = {**OPENAI, **OTHERS}
