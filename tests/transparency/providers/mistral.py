"""``mistralai``: chat, agents, FIM, conversations, embeddings, OCR, moderation, transcription."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.servers import Json, mistral_wire
from tests.transparency.app import ASK, App, resolve
from tests.transparency.providers import Case, Provider


def sdk() -> Any:
    """The module of the client: since 2.0 ``mistralai.client``."""
    pytest.importorskip("mistralai")
    module = importlib.import_module("mistralai")
    return module if hasattr(module, "Mistral") else importlib.import_module("mistralai.client")


def http(asynchronous: bool) -> Any:
    """An HTTP client of the library that this version is built on, without certificates."""
    module = sdk()
    base = importlib.import_module(f"{module.__name__}.basesdk")
    kind = base.httpx.AsyncClient if asynchronous else base.httpx.Client
    return kind(verify=False, follow_redirects=True)


def make(app: App) -> Any:
    key = "async_client" if app.asynchronous else "client"
    own = http(app.asynchronous)
    app._closing.append(own)
    return sdk().Mistral(api_key="k", server_url=app.server.url, **{key: own})


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CHAT: dict[str, Any] = {"model": "mistral-small-latest", "messages": ASK}
PROMPT: dict[str, Any] = {"model": "codestral-latest", "prompt": "def f(", "suffix": "return 1"}
AGENT: dict[str, Any] = {"agent_id": "ag_1", "messages": ASK}
DOCUMENT = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
START: dict[str, Any] = {"inputs": "Hi", "model": "mistral-small-latest"}


def calls(path: str, **arguments: Any) -> Any:
    """A call of a method, or of its asynchronous twin."""

    def start(client: Any, asynchronous: bool) -> Any:
        return resolve(client, f"{path}_async" if asynchronous else path)(**arguments)

    return start


PROVIDER = Provider(
    "mistral",
    "mistralai",
    make,
    (
        Case("chat", calls("chat.complete", **CHAT), lambda: Json(mistral_wire.chat())),
        Case(
            "chat-tools",
            calls("chat.complete", **CHAT, tools=TOOLS),
            lambda: Json(mistral_wire.chat("", "tool_calls", tool_calls=[mistral_wire.call()])),
        ),
        Case("fim", calls("fim.complete", **PROMPT), lambda: Json(mistral_wire.chat())),
        Case("agent", calls("agents.complete", **AGENT), lambda: Json(mistral_wire.chat())),
        Case(
            "embeddings",
            calls("embeddings.create", model="mistral-embed", inputs=["a", "b"]),
            lambda: Json(mistral_wire.embeddings(2)),
        ),
        Case(
            "start",
            calls("beta.conversations.start", **START),
            lambda: Json(mistral_wire.conversation()),
        ),
        Case(
            "append",
            calls("beta.conversations.append", conversation_id="conv_1", inputs="More"),
            lambda: Json(mistral_wire.conversation(mistral_wire.function_call())),
        ),
        Case(
            "ocr",
            calls("ocr.process", model="mistral-ocr-latest", document=DOCUMENT),
            lambda: Json(mistral_wire.ocr()),
        ),
        Case(
            "moderation",
            calls("classifiers.moderate", model="mistral-moderation-latest", inputs=["a"]),
            lambda: Json(mistral_wire.moderation()),
        ),
        Case(
            "transcription",
            calls(
                "audio.transcriptions.complete",
                model="voxtral-mini-latest",
                file={"file_name": "a.mp3", "content": b"sound"},
            ),
            lambda: Json(mistral_wire.SPOKEN),
        ),
        Case(
            "models",
            calls("models.list"),
            lambda: Json({"object": "list", "data": []}),
            spans=0,
        ),
        Case(
            "chat-stream",
            calls("chat.stream", **CHAT),
            mistral_wire.chat_stream,
            streamed=True,
        ),
        Case(
            "fim-stream",
            calls("fim.stream", **PROMPT),
            mistral_wire.chat_stream,
            streamed=True,
        ),
        Case(
            "start-stream",
            calls("beta.conversations.start_stream", **START),
            mistral_wire.conversation_stream,
            streamed=True,
        ),
    ),
    error=mistral_wire.error,
)
