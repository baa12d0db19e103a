"""A program whose traffic is known: run under ``opentelemetry-instrument``, it writes its truth.

``python -m tests.backends.workload TRUTH``: two tenants, sessions and users, RAG, tools, a stream,
an error; OpenAI's and Anthropic's SDKs and Ollama's against a local server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai

import otelier
from tests.servers import Json, ProviderServer, Sse, ollama_wire
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message

SESSIONS = (("acme", "s-1", "ada"), ("acme", "s-2", "bob"), ("umbrella", "s-3", "eve"))
QUESTION = "Where is the blue parcel?"
PERSONAL = "ada.lovelace@example.org"


def answer(request: Any) -> Any:
    asked = request.json()
    if asked["model"] == "gpt-broken":
        return Json({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, status=429)
    if asked.get("stream"):
        return Sse(chat_chunks(chat_message(), include_usage=True, model="gpt-4o-2024-08-06"))
    return Json(chat_completion(chat_message(), model="gpt-4o-2024-08-06"))


@otelier.tool
def search_orders(customer: str) -> list[str]:
    """The orders of a customer."""
    return [f"order of {customer}"]


def conversation(clients: Any, user: str) -> None:
    """One question: retrieval, a tool, calls of three providers, one of them refused."""
    gpt, claude, llama = clients
    ask: list[Any] = [{"role": "user", "content": QUESTION}]
    with otelier.workflow("answer_question"):
        with otelier.retrieval("handbook", query=QUESTION, top_k=2) as found:
            gpt.embeddings.create(model="text-embedding-3-small", input=QUESTION)
            found.set_documents([{"id": "d-1", "content": "Parcels are in room 7."}])
        with otelier.agent("researcher"):
            gpt.chat.completions.create(model="gpt-4o", messages=ask)
            search_orders(user)
            for _ in gpt.chat.completions.create(
                model="gpt-4o", messages=ask, stream=True, stream_options={"include_usage": True}
            ):
                pass
        claude.messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=ask)
        llama.chat("llama3.2", [{"role": "user", "content": f"Write to {PERSONAL}."}])
        try:
            gpt.chat.completions.create(model="gpt-broken", messages=ask)
        except openai.RateLimitError:
            pass


def main(truth: Path) -> None:
    with ProviderServer() as server:
        server.route("/chat/completions", answer)
        server.route("/api/chat", lambda request: Json(ollama_wire.chat()))
        clients = (
            openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0),
            anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0),
            ollama.Client(host=server.url),
        )
        for tenant, session, user in SESSIONS:
            with otelier.session(
                session_id=session,
                user_id=user,
                conversation_id=f"c-{session}",
                tags=["demo"],
                metadata={"tenant": tenant},
            ):
                conversation(clients, user)
    each = {
        "invoke_workflow": 1,
        "retrieval": 1,
        "embeddings": 1,
        "invoke_agent": 1,
        "execute_tool": 1,
        "chat": 5,
    }
    truth.write_text(
        json.dumps(
            {
                "sessions": SESSIONS,
                "spans": {name: count * len(SESSIONS) for name, count in each.items()},
                "errors": len(SESSIONS),
                "question": QUESTION,
                "personal": PERSONAL,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
