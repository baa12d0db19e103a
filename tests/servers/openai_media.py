"""OpenAI wire format: embeddings, images, audio, moderations, models, batches and files."""

from __future__ import annotations

import base64
import struct
from typing import Any

from .openai_chat import CREATED, MODEL, TEXT, JsonDict, chat_completion, cut

B64_IMAGE = "iVBORw0KGgo="
SPEECH = b"ID3\x04\x00local speech bytes"


def embeddings(
    count: int = 1,
    *,
    model: str = "text-embedding-3-small",
    dimensions: int = 8,
    base64_encoded: bool = False,
    tokens: int = 5,
) -> JsonDict:
    """So many vectors, each one slightly different."""
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _vector(index, dimensions, base64_encoded),
            }
            for index in range(count)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vector(index: int, dimensions: int, base64_encoded: bool) -> list[float] | str:
    values = [(index + 1) / 8 - place / 64 for place in range(dimensions)]
    if not base64_encoded:
        return values
    return base64.b64encode(struct.pack(f"<{dimensions}f", *values)).decode()


def image_usage(input: int = 13, output: int = 272) -> JsonDict:
    """The `usage` of images."""
    return {
        "input_tokens": input,
        "input_tokens_details": {"text_tokens": input, "image_tokens": 0},
        "output_tokens": output,
        "total_tokens": input + output,
    }


_IMAGE_FORM: JsonDict = {
    "background": "opaque",
    "output_format": "png",
    "quality": "low",
    "size": "1024x1024",
}


def images(count: int = 1, *, usage: bool = True, url: bool = False) -> JsonDict:
    """Generated images: as gpt-image-1 sends them, or (with `url`) as dall-e does."""
    if url:
        data = [{"url": f"https://images.local/{i}.png"} for i in range(count)]
        return {"created": CREATED, "data": data}
    body = {**_IMAGE_FORM, "data": [{"b64_json": B64_IMAGE}] * count, "created": CREATED}
    return {**body, "usage": image_usage()} if usage else body


def image_events(kind: str = "image_generation", partial: int = 1) -> list[JsonDict]:
    """The stream of a generated (`image_generation`) or edited (`image_edit`) image."""
    form = {**_IMAGE_FORM, "b64_json": B64_IMAGE, "created_at": CREATED}
    events: list[JsonDict] = [
        {"type": f"{kind}.partial_image", **form, "partial_image_index": index}
        for index in range(partial)
    ]
    return [*events, {"type": f"{kind}.completed", **form, "usage": image_usage()}]


def speech_events() -> list[JsonDict]:
    """The stream of speech with `stream_format="sse"`."""
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    return [
        {"type": "speech.audio.delta", "audio": base64.b64encode(SPEECH).decode()},
        {"type": "speech.audio.done", "usage": usage},
    ]


def token_usage(input: int = 14, output: int = 45) -> JsonDict:
    """The `usage` of a transcription counted in tokens."""
    return {
        "type": "tokens",
        "input_tokens": input,
        "input_token_details": {"text_tokens": 0, "audio_tokens": input},
        "output_tokens": output,
        "total_tokens": input + output,
    }


def duration_usage(seconds: int = 3) -> JsonDict:
    """The `usage` of a transcription counted in seconds."""
    return {"type": "duration", "seconds": seconds}


def transcription(text: str = TEXT, *, usage: JsonDict | None = None) -> JsonDict:
    """A transcription as JSON."""
    return {"text": text, "usage": usage or token_usage()}


def transcription_verbose(text: str = TEXT, *, task: str = "transcribe") -> JsonDict:
    """A transcription or translation as verbose JSON; translations have no usage."""
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 2.5,
        "text": text,
        "tokens": [50364, 2425, 50489],
        "temperature": 0.0,
        "avg_logprob": -0.29,
        "compression_ratio": 1.1,
        "no_speech_prob": 0.01,
    }
    body: JsonDict = {
        "task": task,
        "language": "english",
        "duration": 2.5,
        "text": text,
        "segments": [segment],
    }
    return {**body, "usage": duration_usage()} if task == "transcribe" else body


def transcription_events(text: str = TEXT) -> list[JsonDict]:
    """The stream of a transcription."""
    events: list[JsonDict] = [
        {"type": "transcript.text.delta", "delta": part} for part in cut(text, 3)
    ]
    return [*events, {"type": "transcript.text.done", "text": text, "usage": token_usage()}]


_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def moderation(count: int = 1, *, flagged: bool = False) -> JsonDict:
    """So many moderation results; a flagged one is flagged for violence."""
    hits = {"violence"} if flagged else set()
    result = {
        "flagged": flagged,
        "categories": {name: name in hits for name in _CATEGORIES},
        "category_scores": {name: 0.9 if name in hits else 0.0001 for name in _CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return {"id": "modr-local-1", "model": "omni-moderation-latest", "results": [result] * count}


def model_object(id: str = MODEL) -> JsonDict:
    """A model."""
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "system"}


def list_object(*items: JsonDict, paged: bool = False) -> JsonDict:
    """A list; `paged` lists carry their cursor."""
    body: JsonDict = {"object": "list", "data": list(items)}
    if paged:
        ends = [items[0]["id"], items[-1]["id"]] if items else [None, None]
        body |= {"first_id": ends[0], "last_id": ends[1], "has_more": False}
    return body


def batch(status: str = "validating", **fields: Any) -> JsonDict:
    """A batch; a completed one has its output file and usage."""
    done = status == "completed"
    body: JsonDict = {
        "id": "batch_local_1",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "errors": None,
        "input_file_id": "file-local-1",
        "completion_window": "24h",
        "status": status,
        "output_file_id": "file-local-out" if done else None,
        "error_file_id": None,
        "created_at": CREATED,
        "in_progress_at": CREATED + 1 if done else None,
        "expires_at": CREATED + 86400,
        "finalizing_at": CREATED + 2 if done else None,
        "completed_at": CREATED + 3 if done else None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": CREATED + 4 if status in ("cancelling", "cancelled") else None,
        "cancelled_at": CREATED + 5 if status == "cancelled" else None,
        "request_counts": {"total": int(done), "completed": int(done), "failed": 0},
        "metadata": None,
    }
    if done:
        body["usage"] = {
            "input_tokens": 12,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 21,
        }
    return {**body, **fields}


def batch_line(custom_id: str = "request-1") -> JsonDict:
    """One line of the output file of a batch."""
    reply = {"status_code": 200, "request_id": "req_local_1", "body": chat_completion()}
    return {
        "id": "batch_req_local_1",
        "custom_id": custom_id,
        "response": reply,
        "error": None,
    }


def file_object(purpose: str = "batch", size: int = 100, filename: str = "input.jsonl") -> JsonDict:
    """An uploaded file."""
    return {
        "id": "file-local-1",
        "object": "file",
        "bytes": size,
        "created_at": CREATED,
        "filename": filename,
        "purpose": purpose,
        "status": "processed",
        "expires_at": None,
        "status_details": None,
    }


def decision(*answers: JsonDict, output: int = 0) -> JsonDict:
    """Answers to questions, as probabilities."""
    given = answers or ({"type": "predicate", "name": "polite", "probability": 0.9},)
    return {
        "answers": list(given),
        "model": "gpt-6-luna",
        "usage": {
            "input_tokens": 40,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 40 + output,
        },
    }


def video(status: str = "queued", **extra: Any) -> JsonDict:
    """A job that makes a video."""
    return {
        "id": "video_local_1",
        "object": "video",
        "created_at": CREATED,
        "model": "sora-2",
        "status": status,
        "progress": 0,
        "seconds": "4",
        "size": "720x1280",
        **extra,
    }


def found() -> JsonDict:
    """A page of what was found in a vector store."""
    return {
        "object": "vector_store.search_results.page",
        "search_query": ["a"],
        "data": [
            {
                "file_id": "file_1",
                "filename": "a.txt",
                "score": 0.75,
                "attributes": {},
                "content": [{"type": "text", "text": "All about a."}],
            }
        ],
        "has_more": False,
        "next_page": None,
    }
