"""``huggingface_hub``: chats, text generation, embeddings and other tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Json, Raw, Sse, huggingface_wire, openai_wire
from tests.transparency.app import ASK, App
from tests.transparency.providers import Case, Provider


def make(app: App) -> Any:
    hub = pytest.importorskip("huggingface_hub")
    kind = hub.AsyncInferenceClient if app.asynchronous else hub.InferenceClient
    return kind(base_url=app.server.url, api_key="hf_local")


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALLED = openai_wire.chat_message(tool_calls=[openai_wire.tool_call("weather", {"city": "Paris"})])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400

PROVIDER = Provider(
    "huggingface",
    "huggingface_hub",
    make,
    (
        Case(
            "chat",
            lambda c, _: c.chat_completion(ASK),
            lambda: Json(openai_wire.chat_completion()),
        ),
        Case(
            "chat-tools",
            lambda c, _: c.chat.completions.create(messages=ASK, model="m", tools=TOOLS),
            lambda: Json(openai_wire.chat_completion(CALLED)),
        ),
        Case(
            "chat-stream",
            lambda c, _: c.chat_completion(ASK, stream=True),
            lambda: Sse(openai_wire.chat_chunks()),
            streamed=True,
        ),
        Case(
            "generation",
            lambda c, _: c.text_generation("Hi"),
            lambda: Json([huggingface_wire.generation()], headers=huggingface_wire.counted()),
        ),
        Case(
            "generation-details",
            lambda c, _: c.text_generation("Hi", details=True, max_new_tokens=9),
            lambda: Json(huggingface_wire.generation(details=huggingface_wire.details())),
        ),
        Case(
            "generation-stream",
            lambda c, _: c.text_generation("Hi", stream=True),
            lambda: huggingface_wire.generation_stream(detailed=False),
            streamed=True,
        ),
        Case(
            "generation-stream-details",
            lambda c, _: c.text_generation("Hi", stream=True, details=True),
            huggingface_wire.generation_stream,
            streamed=True,
        ),
        # Without numpy and Pillow the SDK raises when it has the answer: the same with otelier.
        Case(
            "embeddings",
            lambda c, _: c.feature_extraction("Hi"),
            lambda: Json([[0.5, -0.25]]),
        ),
        Case("image", lambda c, _: c.text_to_image("A cat"), lambda: Raw(PNG, "image/png")),
        Case("speech", lambda c, _: c.text_to_speech("Hi"), lambda: Raw(PNG, "audio/flac")),
        Case(
            "transcription",
            lambda c, _: c.automatic_speech_recognition(PNG),
            lambda: Json({"text": "Hi"}),
        ),
        Case(
            "summary",
            lambda c, _: c.summarization("A long text."),
            lambda: Json([{"summary_text": "A text."}]),
        ),
        Case(
            "classification",
            lambda c, _: c.text_classification("Fine."),
            lambda: Json([[{"label": "good", "score": 0.9}]]),
            spans=0,
        ),
    ),
    error=lambda: Json(huggingface_wire.error(), status=429),
)
