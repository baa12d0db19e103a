"""A program whose traffic is known: run under ``opentelemetry-instrument``, it writes its truth.

``python -m tests.backends.workload TRUTH``: two tenants with two users each, twelve sessions, RAG
(one retrieval fails), tools, streams, cached input, refused calls, two versions of a prompt, a task
that each session is, personal data; OpenAI's and
Anthropic's SDKs in every turn, Ollama's (which has no price), Gemini's, Mistral's, Cohere's and
Bedrock's in some; all against a local server. The truth is a row for each span, made beside the
call, with prices of the vendors' lists: nothing of it is read from otelier.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cohere
import ollama
import openai
from google import genai
from mistralai.client import Mistral

import otelier
from tests.backends import clients
from tests.servers import (
    Json,
    ProviderServer,
    Sse,
    anthropic_wire,
    bedrock_wire,
    cohere_wire,
    gemini_wire,
    mistral_wire,
    ollama_wire,
    openai_wire,
)

TENANTS = {"acme": ("ada", "bob"), "umbrella": ("eve", "mal")}
SESSIONS = 12
TURNS_OF_FIRST = 3
QUESTION = "Where is the blue parcel?"
RARE_QUESTION = "Where is the crimson umbrella stand?"
RARE_SESSION = 5
PERSONAL = "ada.lovelace@example.org"
DOCUMENT = "Parcels are in room 7."
WORDS = "Look in room 7, behind the green door."
# USD for a million tokens of input, output and cached input; vendors' price lists, 2026-11.
PRICES = {
    "gpt-4o": (2.5, 10.0, 1.25),
    "text-embedding-3-small": (0.02, 0.0, 0.0),
    "claude-haiku-4-5": (1.0, 5.0, 0.1),
    "gemini-2.5-flash": (0.3, 2.5, 0.03),
    "mistral-small-latest": (0.15, 0.6, 0.015),
    "us.amazon.nova-lite-v1:0": (0.06, 0.24, 0.015),
}


class Traffic:
    """Makes the calls of turns and writes down what they are."""

    def __init__(self, url: str) -> None:
        self.rows: list[dict[str, Any]] = []
        self.usage: dict[str, int] = {}
        self.turn: dict[str, Any] = {}
        # The names of the spans that are open.
        self.open: list[str] = []
        self.gpt = clients.gpt(url)
        self.claude = clients.claude(url)
        self.llama = ollama.Client(host=url)
        self.gemini = genai.Client(api_key="k", http_options=genai.types.HttpOptions(base_url=url))
        self.mistral = Mistral(api_key="k", server_url=url)
        self.cohere = cohere.ClientV2(api_key="k", base_url=url)
        self.bedrock = clients.bedrock(url)

    def reply(self, request: Any) -> Any:
        """The answer to a chat of OpenAI's or Mistral's SDK."""
        asked = request.json()
        if asked["model"].startswith("mistral"):
            return Json(mistral_wire.chat())
        if asked["model"] == "gpt-broken":
            told = {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}
            return Json(told, status=429, headers=self.headers())
        usage = openai_wire.chat_usage(
            self.usage["input"], self.usage["output"], cached=self.usage["cached"]
        )
        told = {"usage": usage, "model": "gpt-4o-2024-08-06", "id": self.rows[-1]["id"]}
        message = openai_wire.chat_message(WORDS)
        if asked.get("stream"):
            chunks = openai_wire.chat_chunks(message, include_usage=True, **told)
            return Sse(chunks, headers=self.headers())
        return Json(openai_wire.chat_completion(message, **told), headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What OpenAI's own answers have."""
        return {"x-request-id": self.rows[-1]["request"]}

    def embedding(self, request: Any) -> Any:
        return Json(openai_wire.embeddings(tokens=self.usage["input"]))

    def claude_reply(self, request: Any) -> Any:
        usage = anthropic_wire.message_usage(self.usage["input"], self.usage["output"])
        return Json(anthropic_wire.message(model="claude-haiku-4-5-20251001", usage=usage))

    def row(self, operation: str, subject: str | None = None, **more: Any) -> None:
        """Write down a span."""
        name = f"{operation} {subject}" if subject else operation
        parent = self.open[-1] if self.open else ""
        told = {"operation": operation, "name": name, "parent": parent, **more}
        self.rows.append({**self.turn, **told})

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What is written down now is below what was written down last."""
        self.open.append(self.rows[-1]["name"])
        try:
            yield
        finally:
            self.open.pop()

    def new_ids(self) -> dict[str, str]:
        """Ids for the next answer, and for its request."""
        return {"id": f"chatcmpl-{len(self.rows)}", "request": f"req-{len(self.rows)}"}

    def model(
        self,
        provider: str,
        model: str,
        input: int | None,
        output: int | None = None,
        cached: int = 0,
        operation: str = "chat",
        **more: Any,
    ) -> None:
        """Write down a model call, with what the list says that it costs."""
        self.usage = {"input": input or 0, "output": output or 0, "cached": cached}
        cost = None
        if model in PRICES:
            price = PRICES[model]
            paid = ((input or 0) - cached) * price[0] + (output or 0) * price[1] + cached * price[2]
            cost = paid / 1e6
        numbers = {"input": input, "output": output, "cached": cached, "cost": cost}
        self.row(operation, model, provider=provider, model=model, **numbers, **more)

    def ask(self, number: int) -> None:
        """One turn: retrieval, an agent with a tool and a stream, other models, a refused call."""
        question = RARE_QUESTION if number == RARE_SESSION else QUESTION
        ask: list[Any] = [{"role": "user", "content": question}]
        self.row("invoke_workflow", "answer_question")
        with self.inside(), otelier.workflow("answer_question"):
            self.retrieve(failing=number == 4)
            version = str(1 + number % 2)
            prompted = {"prompt": "research", "prompt_version": version}
            self.row("invoke_agent", "researcher", **prompted)
            prompt = otelier.Prompt(name="research", version=version)
            with self.inside(), otelier.agent("researcher", prompt=prompt):
                cached = 512 if number % 2 == 0 else 0
                ids = self.new_ids()
                self.model("openai", "gpt-4o", 1000 * number, 100, cached, **ids, **prompted)
                self.gpt.chat.completions.create(model="gpt-4o", messages=ask)
                self.row("execute_tool", "search_orders")
                search_orders(self.turn["user"])
                if number % 3 == 0:
                    self.row("execute_tool", "open_ticket", error="ConnectionError")
                    try:
                        open_ticket(self.turn["user"])
                    except ConnectionError:
                        pass
                self.model("openai", "gpt-4o", 200, 50, stream=True, **self.new_ids(), **prompted)
                for _ in self.gpt.chat.completions.create(
                    model="gpt-4o",
                    messages=ask,
                    stream=True,
                    stream_options={"include_usage": True},
                ):
                    pass
            self.model("anthropic", "claude-haiku-4-5", 300, 40)
            self.claude.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=ask)
            counts = ollama_wire.COUNTS
            self.model("ollama", "llama3.2", counts["prompt_eval_count"], counts["eval_count"])
            self.llama.chat("llama3.2", [{"role": "user", "content": f"Write to {PERSONAL}."}])
            if number % 2 == 1:
                refused = {"error": "openai.RateLimitError", "request": self.new_ids()["request"]}
                self.model("openai", "gpt-broken", None, **refused)
                try:
                    self.gpt.chat.completions.create(model="gpt-broken", messages=ask)
                except openai.RateLimitError:
                    pass
            if number == 2:
                self.others()

    def retrieve(self, failing: bool) -> None:
        self.row("retrieval", "handbook", error="LookupError" if failing else None)
        try:
            retrieval = otelier.retrieval("handbook", query=QUESTION, top_k=2)
            with self.inside(), retrieval as found:
                self.model("openai", "text-embedding-3-small", 8, operation="embeddings")
                self.gpt.embeddings.create(model="text-embedding-3-small", input=QUESTION)
                if failing:
                    raise LookupError("no index")
                found.set_documents([{"id": "d-1", "content": DOCUMENT}])
        except LookupError:
            pass

    def others(self) -> None:
        """A call of each further SDK."""
        self.model("gcp.gemini", "gemini-2.5-flash", 6, 25, operation="generate_content")
        self.gemini.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)
        self.model("mistral_ai", "mistral-small-latest", 12, 5)
        self.mistral.chat.complete(
            model="mistral-small-latest", messages=[{"role": "user", "content": QUESTION}]
        )
        self.model("cohere", "rerank-v3.5", None, operation="rerank")
        self.cohere.rerank(model="rerank-v3.5", query=QUESTION, documents=[DOCUMENT, WORDS])
        self.model("aws.bedrock", "us.amazon.nova-lite-v1:0", 10, 5)
        self.bedrock.converse(
            modelId="us.amazon.nova-lite-v1:0",
            messages=[{"role": "user", "content": [{"text": QUESTION}]}],
        )


@otelier.tool
def search_orders(customer: str) -> list[str]:
    """The orders of a customer."""
    return [f"order of {customer}"]


@otelier.tool
def open_ticket(customer: str) -> str:
    """A ticket for a customer; the desk is closed."""
    raise ConnectionError("the desk is closed")


def main(truth: Path) -> None:
    with ProviderServer() as server:
        traffic = Traffic(server.url)
        server.route("/chat/completions", traffic.reply)
        server.route("/embeddings", traffic.embedding)
        server.route("/v1/messages", traffic.claude_reply)
        server.route("/api/chat", lambda request: Json(ollama_wire.chat()))
        server.route(":generateContent", lambda request: Json(gemini_wire.answer()))
        server.route("/v2/rerank", lambda request: Json(cohere_wire.rerank()))
        server.route("/converse", lambda request: bedrock_wire.converse())
        turns = 0
        for number in range(1, SESSIONS + 1):
            tenant = list(TENANTS)[number % 2]
            user = TENANTS[tenant][number // 2 % 2]
            session, tag = f"s-{number:02}", "beta" if number <= 3 else "stable"
            with otelier.session(
                session_id=session,
                user_id=user,
                conversation_id=f"c-{number:02}",
                tags=[tag, "demo"],
                metadata={"tenant": tenant, "task_id": f"t-{number:02}"},
            ):
                for _ in range(TURNS_OF_FIRST if number == 1 else 1):
                    turns += 1
                    traffic.turn = {
                        "turn": turns,
                        "session": session,
                        "conversation": f"c-{number:02}",
                        "user": user,
                        "tenant": tenant,
                        "task": f"t-{number:02}",
                        "tag": tag,
                    }
                    traffic.ask(number)
    told = {
        "rows": traffic.rows,
        "question": QUESTION,
        "rare_question": RARE_QUESTION,
        "personal": PERSONAL,
        "document": DOCUMENT,
        "words": WORDS,
    }
    truth.write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
