"""Gemini's wire format: answers, streams, errors, as the Gemini API and Vertex AI send them."""

from __future__ import annotations

import json
from typing import Any

from .replies import Json, Sse

MODEL = "gemini-2.5-flash"
RESPONSE_ID = "Ibo-aoj4EpSy1MkPsezpqQE"
USAGE: dict[str, Any] = {
    "promptTokenCount": 6,
    "candidatesTokenCount": 5,
    "totalTokenCount": 31,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6}],
    "thoughtsTokenCount": 20,
    "serviceTier": "standard",
}
_HEAD = {"modelVersion": MODEL, "responseId": RESPONSE_ID}


def text(content: str, **more: Any) -> dict[str, Any]:
    """A part of text."""
    return {"text": content, **more}


def call(name: str = "weather", args: Any = None, **more: Any) -> dict[str, Any]:
    """A part that calls a function."""
    return {"functionCall": {"name": name, "args": args or {"city": "Paris"}, **more}}


def candidate(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """A candidate; the index of the first is left out, as proto3 does with zeros."""
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return {**content, **({"finishReason": reason} if reason else {}), **more}


def answer(*candidates: dict[str, Any], usage: Any = None, **more: Any) -> dict[str, Any]:
    """The answer of generateContent."""
    return {
        "candidates": list(candidates) or [candidate(text("Hello there"), index=0)],
        "usageMetadata": USAGE if usage is None else usage,
        **_HEAD,
        **more,
    }


def stream(*chunks: dict[str, Any]) -> Sse:
    """The answer of streamGenerateContent with ``alt=sse``: no terminator."""
    return Sse(list(chunks) or list(pieces("Hello", " there")), done=None)


def pieces(*texts: str) -> list[dict[str, Any]]:
    """Chunks of one text: each tells the usage so far, the last one the reason, too."""
    chunks = []
    for number, piece in enumerate(texts, 1):
        last = number == len(texts)
        usage = USAGE if last else {"promptTokenCount": 6, "totalTokenCount": 6 + number}
        said = candidate(text(piece), reason="STOP" if last else None, index=0)
        chunks.append(answer(said, usage=usage))
    return chunks


def embeddings(vectors: int = 1) -> dict[str, Any]:
    """The answer of batchEmbedContents."""
    return {
        "embeddings": [{"values": [0.5, -0.25]}] * vectors,
        "usageMetadata": {
            "promptTokenCount": 9,
            "promptTokenDetails": [{"modality": "TEXT", "tokenCount": 9}],
        },
    }


def predictions(vectors: int = 1) -> dict[str, Any]:
    """Vertex AI's answer of predict for text embeddings."""
    counted = {"statistics": {"truncated": False, "token_count": 4}, "values": [0.5, -0.25]}
    return {
        "predictions": [{"embeddings": counted}] * vectors,
        "metadata": {"billableCharacterCount": 11},
    }


def images(*data: str) -> dict[str, Any]:
    """Vertex AI's answer of predict for Imagen."""
    made = [{"mimeType": "image/png", "bytesBase64Encoded": each} for each in data or ("cG5n",)]
    return {"predictions": made}


def count(total: int = 7) -> dict[str, Any]:
    """The answer of countTokens."""
    return {
        "totalTokens": total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}],
    }


def error(code: int = 400, status: str = "INVALID_ARGUMENT", message: str = "No.") -> Json:
    """A refusal."""
    return Json(failure(code, status, message), status=code)


def failure(code: int, status: str, message: str) -> dict[str, Any]:
    """The body of a refusal, also in a stream."""
    return {"error": {"code": code, "message": message, "status": status}}


# --- interactions -----------------------------------------------------------------------------

INTERACTION_ID = "v1_ChdMaWM4YXF2ekNMQ1k5TW9QLUpHZ3dBYxI"
INTERACTION_USAGE: dict[str, Any] = {
    "total_tokens": 205,
    "total_input_tokens": 10,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 10}],
    "total_cached_tokens": 0,
    "total_output_tokens": 175,
    "total_tool_use_tokens": 0,
    "total_thought_tokens": 20,
}


def interaction(*steps: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """An interaction as of revision 2026-05-20."""
    said = {"type": "model_output", "content": [{"type": "text", "text": "Hello there"}]}
    return {
        "id": INTERACTION_ID,
        "status": status,
        "usage": INTERACTION_USAGE,
        "created": "2026-06-24T18:51:26Z",
        "updated": "2026-06-24T18:51:26Z",
        "service_tier": "standard",
        "steps": list(steps) or [{"type": "thought", "signature": "CugZ"}, said],
        "object": "interaction",
        "model": MODEL,
        **more,
    }


def events(*middle: dict[str, Any], **last: Any) -> Sse:
    """A streamed interaction as of revision 2026-05-20."""
    head = {"id": INTERACTION_ID, "object": "interaction", "model": MODEL}
    done = {**interaction(), **last}
    del done["steps"]
    return _named(
        {"event_type": "interaction.created", "interaction": head},
        {
            "event_type": "interaction.status_update",
            "interaction_id": INTERACTION_ID,
            "status": "in_progress",
        },
        *(middle or step_events()),
        {"event_type": "interaction.completed", "interaction": done},
        "[DONE]",
    )


def step_events() -> list[dict[str, Any]]:
    """A thought and a text, in pieces."""
    found: list[dict[str, Any]] = [
        {"event_type": "step.start", "index": 0, "step": {"type": "thought"}},
        _delta(0, type="thought_summary", content={"type": "text", "text": "Hm."}),
        _delta(0, type="thought_signature", signature="Er0F"),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "step.start", "index": 1, "step": {"type": "model_output"}},
        _delta(1, type="text", text="Hello"),
        _delta(1, type="text", text=" there"),
        {"event_type": "step.stop", "index": 1},
    ]
    return found


def _delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": delta}


def call_events() -> list[dict[str, Any]]:
    """A function call whose arguments come in pieces."""
    step = {"type": "function_call", "id": "call_1", "name": "weather", "arguments": {}}
    return [
        {"event_type": "step.start", "index": 0, "step": step},
        _delta(0, type="arguments_delta", arguments='{"city": '),
        _delta(0, type="arguments_delta", arguments='"Paris"}'),
        {"event_type": "step.stop", "index": 0},
    ]


def old_interaction(**more: Any) -> dict[str, Any]:
    """An interaction before revision 2026-05-20: its output is contents, not steps."""
    found = {**interaction(), "role": "model", **more}
    del found["steps"]
    return {**found, "outputs": [{"type": "text", "text": "Hello there"}], **more}


def old_events() -> Sse:
    """A streamed interaction before revision 2026-05-20."""
    done = old_interaction()
    del done["outputs"]
    return _named(
        {
            "event_type": "interaction.start",
            "interaction": {"id": INTERACTION_ID, "model": MODEL, "status": "in_progress"},
        },
        {"event_type": "content.start", "index": 0, "content": {"type": "text"}},
        {"event_type": "content.delta", "index": 0, "delta": {"type": "text", "text": "Hello"}},
        {"event_type": "content.delta", "index": 0, "delta": {"type": "text", "text": " there"}},
        {"event_type": "content.stop", "index": 0},
        {"event_type": "interaction.complete", "interaction": done},
        "[DONE]",
    )


def failed_events() -> Sse:
    """A streamed interaction that fails; nothing follows the error."""
    return _named(
        {
            "event_type": "interaction.created",
            "interaction": {"id": INTERACTION_ID, "model": MODEL, "status": "in_progress"},
        },
        {
            "event_type": "error",
            "error": {"message": "High demand.", "code": "service_unavailable"},
        },
    )


def _named(*found: dict[str, Any] | str) -> Sse:
    lines: list[str | bytes] = []
    for event in found:
        name = event["event_type"] if isinstance(event, dict) else "done"
        data = event if isinstance(event, str) else json.dumps(event)
        lines.append(f"event: {name}\ndata: {data}\n")
    return Sse(raw_lines=lines)


def interaction_error(code: str = "invalid_request", message: str = "No.") -> Json:
    """A refusal of the interactions API."""
    return Json({"error": {"message": message, "code": code}}, status=400)


def credentials() -> Any:
    """What Google's SDKs take for credentials, of nobody."""
    from google.auth.credentials import Credentials

    class Known(Credentials):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.token = "t"

        def refresh(self, request: Any) -> None:
            pass

    return Known()
