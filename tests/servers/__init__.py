"""A local server that plays the LLM providers, for the real SDKs over real sockets."""

from __future__ import annotations

from . import anthropic_wire, ollama_wire, openai_wire
from .eventstream import chunk_frame, exception_frame, frame
from .hostile import (
    HOSTILE_BODIES,
    HOSTILE_CHAT,
    HOSTILE_EMBEDDINGS_BODIES,
    HOSTILE_MESSAGES,
    HOSTILE_MESSAGES_BODIES,
    HOSTILE_RAW_LINES,
    HOSTILE_RESPONSES,
    HOSTILE_RESPONSES_BODIES,
)
from .http import ProviderServer
from .replies import Chunked, Drop, Gate, Hang, Json, Raw, Recorded, Reply, Sse

__all__ = [
    "HOSTILE_BODIES",
    "HOSTILE_CHAT",
    "HOSTILE_EMBEDDINGS_BODIES",
    "HOSTILE_MESSAGES",
    "HOSTILE_MESSAGES_BODIES",
    "HOSTILE_RAW_LINES",
    "HOSTILE_RESPONSES",
    "HOSTILE_RESPONSES_BODIES",
    "Chunked",
    "Drop",
    "Gate",
    "Hang",
    "Json",
    "ProviderServer",
    "Raw",
    "Recorded",
    "Reply",
    "Sse",
    "anthropic_wire",
    "chunk_frame",
    "exception_frame",
    "frame",
    "ollama_wire",
    "openai_wire",
]
