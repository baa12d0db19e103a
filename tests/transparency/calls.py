"""The calls of the SDKs, as a table: client, method, arguments, and what the server answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from tests.servers import Reply, Sse, openai_wire
from tests.servers.replies import Json
from tests.transparency.app import ASK, App, resolve

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Weather(BaseModel):
    city: str
    degrees: float
    tags: list[str]


@dataclass(frozen=True)
class Call:
    """One call. ``spans`` is how many it makes; ``reply`` is for what the server cannot know."""

    name: str
    client: str
    path: str
    arguments: dict[str, Any] = field(default_factory=dict)
    spans: int = 1
    reply: Callable[[], Reply] | None = None
    # A distribution that the SDK needs for it.
    needs: str = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def start(self, app: App, client: Any = None, view: str = "", **more: Any) -> Any:
        """Make the call (on ``view`` of the resource, such as ``with_raw_response``)."""
        if self.needs:
            pytest.importorskip(self.needs)
        if client is None:
            client = app.client(self.client)
        function = resolve(client, self._path(view))
        if self.reply is not None:
            app.script(self.reply())
        return function(**{**self.arguments, **more})

    def has(self, client: Any, view: str = "") -> bool:
        """Whether this version of the SDK has this call, and this view of it."""
        try:
            resolve(client, self._path(view))
        except pytest.skip.Exception:
            return False
        return True

    def _path(self, view: str) -> str:
        owner, _, method = self.path.rpartition(".")
        return ".".join(part for part in (owner, view, method) if part)


CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": ASK}
CHAT_TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
STRICT = {"name": "weather", "parameters": SCHEMA, "strict": True}
STRICT_TOOLS = [{"type": "function", "function": STRICT}]
FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "w", "schema": SCHEMA, "strict": True},
}
RESPONSE: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Hi"}
RESPONSE_TOOLS = [{"type": "function", **STRICT}]
CLAUDE: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 2048, "messages": ASK}
CLAUDE_TOOLS = [{"name": "weather", "input_schema": SCHEMA}]
THINKING = {"type": "enabled", "budget_tokens": 1024}
BEDROCK = {**CLAUDE, "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}
PNG = ("a.png", b"png", "image/png")
WAV = ("a.wav", b"RIFF", "audio/wav")
GPT_IMAGE = {"model": "gpt-image-1", "prompt": "a"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]},
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "21"},
]


# TRANSPARENCY=full in the environment plays every path of every call; else all paths of a few
# calls that stand for the others, and of those the paths that differ from call to call.
FULL = os.environ.get("TRANSPARENCY") == "full"


def product(
    calls: Sequence[Call], paths: Sequence[Any], basic: Sequence[Any], models: frozenset[str]
) -> list[Any]:
    """Pairs of calls and paths, as parameters."""
    return [
        pytest.param(call, path, id=f"{call}-{path.__name__}")
        for call in calls
        for path in paths
        if FULL or path in basic or call.name in models
    ]


def _stored(status: str = "completed") -> Callable[[], Reply]:
    return lambda: Json(openai_wire.response_object(status=status))


def _stored_events() -> Reply:
    events = openai_wire.response_events(openai_wire.response_object())
    return Sse(events, done=None, named=True)


ID = {"response_id": "resp_local_1"}
QUESTION = {"type": "predicate", "name": "polite", "instructions": "It is polite."}

WHOLE = (
    Call("chat", "openai", "chat.completions.create", CHAT),
    Call("chat tools", "openai", "chat.completions.create", {**CHAT, "tools": CHAT_TOOLS}),
    Call("chat n", "openai", "chat.completions.create", {**CHAT, "n": 2}),
    Call("chat history", "openai", "chat.completions.create", {**CHAT, "messages": HISTORY}),
    Call("chat schema", "openai", "chat.completions.create", {**CHAT, "response_format": FORMAT}),
    Call(
        "chat audio",
        "openai",
        "chat.completions.create",
        {**CHAT, "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    ),
    Call("chat parse", "openai", "chat.completions.parse", {**CHAT, "response_format": Weather}),
    Call(
        "chat parse tools",
        "openai",
        "chat.completions.parse",
        {**CHAT, "tools": STRICT_TOOLS, "n": 2},
    ),
    Call(
        "beta chat parse",
        "openai",
        "beta.chat.completions.parse",
        {**CHAT, "response_format": Weather},
    ),
    Call("completions", "openai", "completions.create", {"model": "m", "prompt": ["a", "b"]}),
    Call("responses", "openai", "responses.create", RESPONSE),
    Call(
        "responses tools",
        "openai",
        "responses.create",
        {**RESPONSE, "tools": RESPONSE_TOOLS, "reasoning": {"effort": "low"}},
    ),
    Call(
        "responses search",
        "openai",
        "responses.create",
        {**RESPONSE, "tools": [{"type": "web_search"}], "conversation": "conv_1"},
    ),
    Call("responses parse", "openai", "responses.parse", {**RESPONSE, "text_format": Weather}),
    Call("responses background", "openai", "responses.create", {**RESPONSE, "background": True}),
    Call("responses retrieve", "openai", "responses.retrieve", ID, reply=_stored()),
    Call("responses cancel", "openai", "responses.cancel", ID, reply=_stored("cancelled")),
    Call("responses compact", "openai", "responses.compact", RESPONSE),
    Call("responses count", "openai", "responses.input_tokens.count", RESPONSE),
    Call(
        "chat retrieve",
        "openai",
        "chat.completions.retrieve",
        {"completion_id": "chatcmpl_1"},
        reply=lambda: Json(openai_wire.chat_completion()),
    ),
    Call(
        "decisions",
        "openai",
        "decisions.create",
        {"model": "gpt-6-luna", "input": "Hi", "questions": [QUESTION]},
        reply=lambda: Json(openai_wire.decision()),
    ),
    Call(
        "video",
        "openai",
        "videos.create",
        {"model": "sora-2", "prompt": "a"},
        reply=lambda: Json(openai_wire.video()),
    ),
    Call(
        "video remix",
        "openai",
        "videos.remix",
        {"video_id": "video_1", "prompt": "a"},
        reply=lambda: Json(openai_wire.video()),
    ),
    Call(
        "vector store search",
        "openai",
        "vector_stores.search",
        {"vector_store_id": "vs_1", "query": "a"},
        reply=lambda: Json(openai_wire.found()),
    ),
    Call("beta responses", "openai", "beta.responses.create", RESPONSE),
    Call("embeddings", "openai", "embeddings.create", {"model": "m", "input": ["a", "b"]}),
    Call("embeddings tokens", "openai", "embeddings.create", {"model": "m", "input": [1, 2]}),
    Call(
        "embeddings float",
        "openai",
        "embeddings.create",
        {"model": "m", "input": "a", "encoding_format": "float", "dimensions": 4},
    ),
    Call("image", "openai", "images.generate", {**GPT_IMAGE, "n": 2}),
    Call("image edit", "openai", "images.edit", {**GPT_IMAGE, "image": PNG}),
    Call("image variation", "openai", "images.create_variation", {"image": PNG}),
    Call(
        "speech",
        "openai",
        "audio.speech.create",
        {"model": "tts-1", "voice": "alloy", "input": "a"},
    ),
    Call(
        "speech events",
        "openai",
        "audio.speech.create",
        {"model": "tts-1", "voice": "alloy", "input": "a", "stream_format": "sse"},
    ),
    Call(
        "transcription",
        "openai",
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": WAV},
    ),
    Call(
        "transcription text",
        "openai",
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": WAV, "response_format": "text"},
    ),
    Call(
        "transcription verbose",
        "openai",
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": WAV, "response_format": "verbose_json"},
    ),
    Call("translation", "openai", "audio.translations.create", {"model": "whisper-1", "file": WAV}),
    Call("moderation", "openai", "moderations.create", {"input": ["a", "b"]}),
    Call("models", "openai", "models.list", spans=0),
    Call("files", "openai", "files.create", {"file": WAV, "purpose": "batch"}, spans=0),
    Call("azure chat", "azure", "chat.completions.create", {**CHAT, "model": "deployment"}),
    Call("azure responses", "azure", "responses.create", RESPONSE),
    Call("azure embeddings", "azure", "embeddings.create", {"model": "d", "input": "a"}),
    Call("messages", "anthropic", "messages.create", CLAUDE),
    Call("messages tools", "anthropic", "messages.create", {**CLAUDE, "tools": CLAUDE_TOOLS}),
    Call(
        "messages thinking",
        "anthropic",
        "messages.create",
        {**CLAUDE, "thinking": THINKING, "system": "Be brief."},
    ),
    Call("messages parse", "anthropic", "messages.parse", {**CLAUDE, "output_format": Weather}),
    Call(
        "messages count",
        "anthropic",
        "messages.count_tokens",
        {"model": "m", "messages": ASK},
    ),
    Call("beta messages", "anthropic", "beta.messages.create", CLAUDE),
    Call(
        "beta messages parse",
        "anthropic",
        "beta.messages.parse",
        {**CLAUDE, "output_format": Weather},
    ),
    Call(
        "beta messages count",
        "anthropic",
        "beta.messages.count_tokens",
        {"model": "m", "messages": ASK},
    ),
    Call(
        "legacy complete",
        "anthropic",
        "completions.create",
        {"model": "claude-2.1", "prompt": "a", "max_tokens_to_sample": 10},
    ),
    Call(
        "messages batch",
        "anthropic",
        "messages.batches.create",
        {"requests": [{"custom_id": "1", "params": CLAUDE}]},
        spans=0,
    ),
    Call("vertex", "vertex", "messages.create", CLAUDE),
    Call("foundry", "foundry", "messages.create", CLAUDE),
    Call("bedrock", "bedrock", "messages.create", BEDROCK),
)

STREAM = {"stream": True}
STREAMS = (
    Call("chat", "openai", "chat.completions.create", {**CHAT, **STREAM}),
    Call(
        "chat tools",
        "openai",
        "chat.completions.create",
        {**CHAT, **STREAM, "tools": CHAT_TOOLS, "n": 2, "stream_options": {"include_usage": True}},
    ),
    Call("completions", "openai", "completions.create", {"model": "m", "prompt": "a", **STREAM}),
    Call("responses", "openai", "responses.create", {**RESPONSE, **STREAM}),
    Call(
        "responses tools",
        "openai",
        "responses.create",
        {**RESPONSE, **STREAM, "tools": RESPONSE_TOOLS, "background": True},
    ),
    Call(
        "responses retrieve",
        "openai",
        "responses.retrieve",
        {**ID, **STREAM, "starting_after": 1},
        reply=_stored_events,
    ),
    Call("beta responses", "openai", "beta.responses.create", {**RESPONSE, **STREAM}),
    Call("image", "openai", "images.generate", {**GPT_IMAGE, **STREAM, "partial_images": 2}),
    Call("image edit", "openai", "images.edit", {**GPT_IMAGE, **STREAM, "image": PNG}),
    Call(
        "transcription",
        "openai",
        "audio.transcriptions.create",
        {"model": "gpt-4o-transcribe", "file": WAV, **STREAM},
    ),
    Call("azure chat", "azure", "chat.completions.create", {**CHAT, **STREAM, "model": "d"}),
    Call("messages", "anthropic", "messages.create", {**CLAUDE, **STREAM}),
    Call(
        "messages tools",
        "anthropic",
        "messages.create",
        {**CLAUDE, **STREAM, "tools": CLAUDE_TOOLS, "thinking": THINKING},
    ),
    Call("beta messages", "anthropic", "beta.messages.create", {**CLAUDE, **STREAM}),
    Call(
        "legacy complete",
        "anthropic",
        "completions.create",
        {"model": "claude-2.1", "prompt": "a", "max_tokens_to_sample": 10, **STREAM},
    ),
    Call("vertex", "vertex", "messages.create", {**CLAUDE, **STREAM}),
    Call("foundry", "foundry", "messages.create", {**CLAUDE, **STREAM}),
    Call("bedrock", "bedrock", "messages.create", {**BEDROCK, **STREAM}, needs="botocore"),
)

HELPERS = (
    Call("chat", "openai", "chat.completions.stream", CHAT),
    Call(
        "chat tools", "openai", "chat.completions.stream", {**CHAT, "tools": STRICT_TOOLS, "n": 2}
    ),
    Call("chat parse", "openai", "chat.completions.stream", {**CHAT, "response_format": Weather}),
    Call("beta chat", "openai", "beta.chat.completions.stream", CHAT),
    Call("responses", "openai", "responses.stream", RESPONSE),
    Call("responses parse", "openai", "responses.stream", {**RESPONSE, "text_format": Weather}),
    Call(
        "responses tools",
        "openai",
        "responses.stream",
        {**RESPONSE, "tools": RESPONSE_TOOLS, "reasoning": {"effort": "low"}},
    ),
    Call("messages", "anthropic", "messages.stream", CLAUDE),
    Call(
        "messages tools",
        "anthropic",
        "messages.stream",
        {**CLAUDE, "tools": CLAUDE_TOOLS, "thinking": THINKING},
    ),
    Call("messages parse", "anthropic", "messages.stream", {**CLAUDE, "output_format": Weather}),
    Call("beta messages", "anthropic", "beta.messages.stream", CLAUDE),
    Call("vertex", "vertex", "messages.stream", CLAUDE),
    Call("foundry", "foundry", "messages.stream", CLAUDE),
)
