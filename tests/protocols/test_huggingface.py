"""Hugging Face's tasks in the wire formats of those that the router leads to."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.protocols import Reply, huggingface
from tests.servers import openai_wire


def answered(task: str, body: Any, asked: Any = None) -> Reply:
    route = huggingface.find(task, asked or {})
    assert route is not None
    reader = route.reader(True)
    reader.whole(body)
    return reader.reply(True)


def parts(messages: list[Any]) -> list[Any]:
    return [part for message in messages for part in message["parts"]]


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://router.huggingface.co/groq/openai/v1/chat/completions", "groq"),
        ("https://router.huggingface.co/hf-inference/models/gpt2", "hf-inference"),
        ("https://router.huggingface.co/v1/chat/completions", None),
        ("https://router.huggingface.co/", None),
        ("https://api.groq.com/openai/v1/chat/completions", None),
        ("https://router.huggingface.co.example.com/groq", None),
    ],
)
def test_the_router_address_names_the_provider(url: str, provider: str | None) -> None:
    assert huggingface.upstream(url) == provider


def test_what_the_router_chose() -> None:
    chosen = "https://router.huggingface.co/v1/chat/completions"
    assert huggingface.routed(chosen, "groq") == "https://router.huggingface.co/groq"
    assert huggingface.routed(chosen, None) is None
    # Elsewhere the header says nothing about the router.
    assert huggingface.routed("https://api.groq.com/openai/v1", "groq") is None
    assert huggingface.routed("https://router.huggingface.co/groq/v1", "together") is None


IMAGE = {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}
VIDEO = {"type": "uri", "modality": "video", "uri": "https://example.com/a.mp4"}
ADDRESS = {"url": "https://example.com/a.png"}


@pytest.mark.parametrize(
    ("task", "body", "said"),
    [
        ("text-to-image", {"images": [{**ADDRESS, "width": 8}], "seed": 1}, IMAGE),
        ("text-to-image", {"data": [ADDRESS]}, IMAGE),
        (
            "text-to-image",
            {"data": [{"b64_json": "iVBORw=="}]},
            {"type": "blob", "modality": "image", "content": "iVBORw=="},
        ),
        ("text-to-image", {"output": ["https://example.com/a.png"], "error": None}, IMAGE),
        ("image-to-image", {"output": "https://example.com/a.png", "error": ""}, IMAGE),
        (
            "text-to-video",
            {"video": {"url": "https://example.com/a.mp4", "content_type": "video/mp4"}},
            {**VIDEO, "mime_type": "video/mp4"},
        ),
        (
            "text-to-speech",
            {"audio": {"url": "https://example.com/a.mp3"}},
            {"type": "uri", "modality": "audio", "uri": "https://example.com/a.mp3"},
        ),
        (
            "automatic-speech-recognition",
            {"output": "Hello"},
            {"type": "text", "content": "Hello"},
        ),
    ],
)
def test_answers_of_tasks(task: str, body: Any, said: Any) -> None:
    reply = answered(task, body)
    assert parts(reply.messages) == [said]
    assert reply.error is None


def test_a_job_in_a_queue_has_its_id() -> None:
    reply = answered("text-to-video", {"request_id": "req-1", "status": "IN_QUEUE"})
    assert reply.attributes == {"gen_ai.response.id": "req-1"}
    assert not reply.messages


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"inputs": "A cat", "parameters": {"seed": 1}}, {"type": "text", "content": "A cat"}),
        ({"prompt": "A cat", "seed": 1}, {"type": "text", "content": "A cat"}),
        ({"input": {"prompt": "A cat"}, "seed": 1}, {"type": "text", "content": "A cat"}),
        ({"image_url": "https://example.com/a.png", "seed": 1}, IMAGE),
    ],
)
def test_requests_of_tasks(body: Any, asked: Any) -> None:
    route = huggingface.find("image-to-image", body)
    assert route is not None
    assert parts(route.content(body).messages) == [asked]
    assert route.request(body) == {"gen_ai.request.seed": 1}


def test_text_generation_of_others_is_a_completion() -> None:
    asked = {"prompt": "Hi", "model": "m", "max_tokens": 9}
    route = huggingface.find("text-generation", asked)
    assert route is not None
    assert route.request(asked)["gen_ai.request.max_tokens"] == 9
    assert parts(route.content(asked).messages) == [{"type": "text", "content": "Hi"}]
    reply = answered("text-generation", openai_wire.completion("Hello"), asked)
    assert parts(reply.messages) == [{"type": "text", "content": "Hello"}]
    assert reply.usage is not None
    assert huggingface.counts(route, {"x-prompt-tokens": "5"}) is None


def test_embeddings_of_others() -> None:
    body = {"data": [{"embedding": [0.5, 1.0]}], "model": "m", "usage": {"prompt_tokens": 3}}
    reply = answered("feature-extraction", body)
    assert reply.usage is not None
    assert reply.usage.input == 3
    assert reply.attributes == {"gen_ai.embeddings.dimension.count": 2}


@pytest.mark.parametrize("task", ["conversational", "text-generation", "text-to-image"])
def test_an_error_that_http_calls_a_success(task: str) -> None:
    reply = answered(task, {"error": "Model is overloaded", "error_type": "overloaded"})
    assert (reply.error, reply.error_message) == ("overloaded", "Model is overloaded")


def test_headers_that_count_nothing() -> None:
    route = huggingface.find("text-generation", {})
    assert route is not None
    assert huggingface.counts(route, {"x-prompt-tokens": "five"}) is None
    assert huggingface.counts(route, {}) is None


@pytest.mark.parametrize("task", sorted(huggingface.TASKS))
@pytest.mark.parametrize("body", [None, [], [None], {}, [[]], "text", {"data": 1, "output": [1]}])
def test_odd_answers(task: str, body: Any) -> None:
    assert answered(task, body).usage is None
