"""What the provider of the page of Ollama answers."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, ProviderServer, ollama_wire
from tests.servers.replies import Chunked

TREE = """
embeddings embeddinggemma
chat gemma4
"""
PIECES = ("The Loire", " is the longest", " river in France.")


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    server.script(Json({**ollama_wire.embed(2), "model": "embeddinggemma"}), _stream())
    return {"OLLAMA_HOST": server.url}


def _stream() -> Chunked:
    head = {"model": "gemma4", "created_at": "2026-11-20T10:00:00.5Z"}
    pieces: list[dict[str, Any]] = [
        {**head, "message": {"role": "assistant", "content": piece}, "done": False}
        for piece in PIECES
    ]
    last = {"message": {"role": "assistant", "content": ""}}
    return ollama_wire.lines(*pieces, {**head, **last, **ollama_wire.COUNTS})
