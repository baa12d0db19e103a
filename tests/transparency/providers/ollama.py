"""``ollama``: chat, generate, embed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Json, ollama_wire
from tests.transparency.app import ASK, App
from tests.transparency.providers import Case, Provider


def make(app: App) -> Any:
    ollama = pytest.importorskip("ollama")
    kind = ollama.AsyncClient if app.asynchronous else ollama.Client
    return kind(host=app.server.url, verify=False)


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALLS = [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]
CHAT: dict[str, Any] = {"model": "llama3.2", "messages": ASK}
PROMPT: dict[str, Any] = {"model": "llama3.2", "prompt": "Hi"}

PROVIDER = Provider(
    "ollama",
    "ollama",
    make,
    (
        Case("chat", lambda c, _: c.chat(**CHAT), lambda: Json(ollama_wire.chat())),
        Case(
            "chat-tools",
            lambda c, _: c.chat(**CHAT, tools=TOOLS),
            lambda: Json(ollama_wire.chat("", tool_calls=CALLS)),
        ),
        Case("generate", lambda c, _: c.generate(**PROMPT), lambda: Json(ollama_wire.generate())),
        Case(
            "embed",
            lambda c, _: c.embed(model="llama3.2", input=["a", "b"]),
            lambda: Json(ollama_wire.embed(2)),
        ),
        Case("list", lambda c, _: c.list(), lambda: Json({"models": []}), spans=0),
        Case(
            "chat-stream",
            lambda c, _: c.chat(**CHAT, stream=True),
            ollama_wire.chat_stream,
            streamed=True,
        ),
        Case(
            "generate-stream",
            lambda c, _: c.generate(**PROMPT, stream=True),
            ollama_wire.generate_stream,
            streamed=True,
        ),
    ),
    error=lambda: Json({"error": "model 'llama3.2' not found"}, status=404),
)
