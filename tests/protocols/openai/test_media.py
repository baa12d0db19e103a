"""Embeddings, images, sound and moderations."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.protocols import Cost
from otelier.protocols.openai import media
from otelier.usage import Usage
from tests.protocols.reading import parts, streamed, whole

INPUTS: dict[str, tuple[Any, int | None]] = {
    "text": ("a", 1),
    "texts": (["a", "b"], 2),
    "tokens": ([1, 2, 3], 1),
    "lists of tokens": ([[1, 2], [3]], 2),
    "nothing": ([], 1),
    "not given": (None, None),
}


@pytest.mark.parametrize(("given", "count"), INPUTS.values(), ids=INPUTS)
def test_embeddings_request(given: Any, count: int | None) -> None:
    found = media.embeddings_request({"model": "m", "input": given, "encoding_format": "float"})
    assert found.get("otelier.embeddings.inputs") == count
    assert found["gen_ai.request.encoding_formats"] == ["float"]


def test_embeddings_have_no_output() -> None:
    body = {
        "id": "emb_1",
        "model": "m-1",
        "data": [{"embedding": [0.5] * 4}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3, "cost": 0.1},
    }
    reply = whole(media.EmbeddingsReader, body)
    assert reply.usage == Usage(input=3)
    assert reply.cost == Cost(0.1)
    assert reply.attributes == {
        "gen_ai.embeddings.dimension.count": 4,
        "otelier.provider.response_id": "emb_1",
    }


def test_base64_vectors_are_not_decoded() -> None:
    reply = whole(media.EmbeddingsReader, {"data": [{"embedding": "AAAAPw=="}]})
    assert "gen_ai.embeddings.dimension.count" not in reply.attributes


def test_embeddings_error_in_a_body() -> None:
    assert whole(media.EmbeddingsReader, {"error": {"code": 404}}).error == "404"


IMAGE_USAGE = {
    "input_tokens": 13,
    "input_tokens_details": {"text_tokens": 13, "image_tokens": 0},
    "output_tokens": 272,
    "total_tokens": 285,
}


def test_images() -> None:
    body = {
        "output_format": "png",
        "data": [{"b64_json": "iVBO"}, {"url": "https://example.com/1.png"}],
        "usage": IMAGE_USAGE,
    }
    reply = whole(media.Reader, body)
    assert reply.usage == Usage(input=13, output=272, text_input=13, image_input=0)
    assert parts(reply) == [
        {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"},
        {"type": "uri", "modality": "image", "uri": "https://example.com/1.png"},
    ]


def test_a_streamed_image() -> None:
    events = [
        {"type": "image_generation.partial_image", "b64_json": "part"},
        {"type": "image_generation.completed", "b64_json": "iVBO", "usage": IMAGE_USAGE},
    ]
    reply = streamed(media.Reader, events)
    assert [part["content"] for part in parts(reply)] == ["iVBO"]
    assert reply.usage is not None
    assert reply.usage.output == 272


TRANSCRIPTIONS: dict[str, tuple[Any, str]] = {
    "JSON": ({"text": "Hello", "usage": {"type": "duration", "seconds": 3}}, "Hello"),
    "text": ("Hello\n", "Hello\n"),
}


@pytest.mark.parametrize(("body", "text"), TRANSCRIPTIONS.values(), ids=TRANSCRIPTIONS)
def test_transcriptions(body: Any, text: str) -> None:
    reply = whole(media.Reader, body)
    assert parts(reply) == [{"type": "text", "content": text}]
    wanted = Usage(audio_seconds=3.0) if isinstance(body, dict) else None
    assert reply.usage == wanted
    assert whole(media.Reader, body, keep=False).messages == []


@pytest.mark.parametrize(("count", "text"), [(3, "Hello."), (2, "Hello")])
def test_a_streamed_transcription(count: int, text: str) -> None:
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19}
    events = [
        {"type": "transcript.text.delta", "delta": "Hel"},
        {"type": "transcript.text.delta", "delta": "lo"},
        {"type": "transcript.text.done", "text": "Hello.", "usage": usage},
    ][:count]
    reply = streamed(media.Reader, events)
    assert parts(reply) == [{"type": "text", "content": text}]
    assert reply.usage == (Usage(input=14, output=5) if count == 3 else None)


def test_moderations() -> None:
    reply = whole(media.Reader, {"id": "modr-1", "results": [{"flagged": True}, {}]})
    assert parts(reply) == [
        {"type": "moderation", "flagged": True},
        {"type": "moderation", "flagged": False},
    ]


def test_what_is_asked() -> None:
    assert media.request({"model": "m", "n": 1, "stream": False}) == {"gen_ai.request.model": "m"}
    assert media.request({"n": 2, "stream": "true"}) == {
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stream": True,
    }
    asked = media.content({"input": ["a", {"type": "text", "text": "b"}, {"type": "image_url"}]})
    assert [message["parts"][0]["content"] for message in asked.messages] == ["a", "b"]
