"""A local server that plays the LLM providers, for the real SDKs over real sockets."""

from __future__ import annotations

from . import (
    anthropic_wire,
    bedrock_wire,
    cohere_wire,
    gemini_wire,
    huggingface_wire,
    mistral_wire,
    ollama_wire,
    openai_wire,
)
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
    "bedrock_wire",
    "chunk_frame",
    "cohere_wire",
    "exception_frame",
    "frame",
    "gemini_wire",
    "huggingface_wire",
    "mistral_wire",
    "ollama_wire",
    "openai_wire",
]
