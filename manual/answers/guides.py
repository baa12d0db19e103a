"""What the provider of the guides' pages answers: a text to each question, tools where it fits."""

from __future__ import annotations

from typing import Any, Final

from tests.servers import Json, ProviderServer, Recorded, Reply, Sse
from tests.servers.openai_chat import chat_chunks, chat_completion, chat_message, chat_usage
from tests.servers.openai_responses import (
    message_item,
    response_events,
    response_object,
    response_usage,
)

# What a question has in it, and the answer.
_SAID: Final = {
    "parcel": "It is at the depot in Lyon and arrives tomorrow.",
    "returned": "Within 30 days, unworn and in its box.",
    "refund": "The refund of 42 euros is on its way.",
    "span": "A span is one step of a trace, with a beginning and an end.",
    "brothers": "We do not know yet how many there are.",
}
_OTHERWISE: Final = "Certainly. Is there anything else?"
_SNAPSHOTS: Final = {"gpt-6-luna": "gpt-6-luna-2026-09-17"}


def answers(server: ProviderServer) -> dict[str, str]:
    """Have the server answer; the variables by which the SDKs find it."""
    count = iter(range(1, 1000))
    server.route("/chat/completions", lambda request: _chat(request, next(count)))
    server.route("/responses", lambda request: _response(request, next(count)))
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "ANTHROPIC_BASE_URL": server.url,
        "OTELIER_PROVIDER_HOSTS": f"{server.url.removeprefix('http://')}=openai",
    }


def said(question: str) -> str:
    """The answer to a question."""
    return next((text for word, text in _SAID.items() if word in question.lower()), _OTHERWISE)


def _model(body: dict[str, Any]) -> str:
    return _SNAPSHOTS.get(body["model"], body["model"])


def _tokens(text: object) -> int:
    return len(str(text)) // 4 + 3


def _chat(request: Recorded, number: int) -> Reply:
    body = request.json()
    text = said(str(body["messages"][-1]["content"]))
    usage = chat_usage(_tokens(body["messages"]), _tokens(text))
    id, model = f"chatcmpl-{number}", _model(body)
    if not body.get("stream"):
        return Json(chat_completion(chat_message(text), model=model, usage=usage, id=id))
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    chunks = chat_chunks(
        chat_message(text), model=model, include_usage=asked, usage=usage, id=id, pieces=6
    )
    return Sse(chunks)


def _response(request: Recorded, number: int) -> Reply:
    body = request.json()
    asked = body["input"] if isinstance(body["input"], str) else str(body["input"][-1])
    text = said(asked)
    made = response_object(
        message_item(text),
        model=_model(body),
        usage=response_usage(_tokens(body["input"]), _tokens(text)),
        id=f"resp_{number}",
    )
    return Sse(response_events(made), done=None, named=True) if body.get("stream") else Json(made)
