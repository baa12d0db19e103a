"""A library that a program searches by: what it asks models quietly, it tells nobody.

It knows nothing of tracing. Before the program's own model is asked, it has asked one to say the
question in other words, one for a vector, and one for an order of what it has found.
"""

from __future__ import annotations

from typing import Any

import cohere
import openai

PAGES = {
    "p1": "Holidays are thirty days a year.",
    "p2": "Travel is paid by the company.",
    "p3": "Holidays that are left go over into the next year.",
}
REWRITE = "Say it in other words: "


class Handbook:
    """The pages that there are, found by the sense of a question."""

    def __init__(self, url: str) -> None:
        self.gpt = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
        self.cohere = cohere.ClientV2(api_key="k", base_url=url)

    def find(self, question: str) -> list[tuple[str, str, float]]:
        """The best pages: id, text, score."""
        said = self.gpt.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": REWRITE + question}]
        )
        words = str(said.choices[0].message.content)
        self.gpt.embeddings.create(model="text-embedding-3-small", input=words)
        near = [id for id in PAGES if id != "p2"]
        return self.ordered(words, near)

    def ordered(self, words: str, ids: list[str]) -> list[tuple[str, str, float]]:
        """Pages, the best first."""
        texts = [PAGES[id] for id in ids]
        ranked = self.cohere.rerank(model="rerank-v3.5", query=words, documents=texts)
        return [(ids[one.index], texts[one.index], one.relevance_score) for one in ranked.results]


class AsyncHandbook:
    """The same, awaited."""

    def __init__(self, url: str) -> None:
        self.gpt = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
        self.cohere = cohere.AsyncClientV2(api_key="k", base_url=url)

    async def find(self, question: str) -> list[tuple[str, str, float]]:
        """The best pages: id, text, score."""
        said = await self.gpt.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": REWRITE + question}]
        )
        words = str(said.choices[0].message.content)
        await self.gpt.embeddings.create(model="text-embedding-3-small", input=words)
        ids = [id for id in PAGES if id != "p2"]
        texts = [PAGES[id] for id in ids]
        ranked: Any = await self.cohere.rerank(model="rerank-v3.5", query=words, documents=texts)
        return [(ids[one.index], texts[one.index], one.relevance_score) for one in ranked.results]


def answers(body: dict[str, Any]) -> dict[str, Any]:
    """What the models say: other words, then a search, then an answer."""
    from tests.servers.openai_wire import chat_message, tool_call

    last = body["messages"][-1]
    if str(last["content"]).startswith(REWRITE):
        return chat_message("How many days off?")
    offered = [each["function"]["name"] for each in body.get("tools") or ()]
    if offered and last["role"] != "tool":
        given = {"question": "How many holidays?"}
        return chat_message(tool_calls=[tool_call(offered[0], given, id="call_1")])
    return chat_message("Thirty days.")


def serve(server: Any) -> None:
    """Let a server answer so, streamed or not."""
    from tests.servers import Json, Sse, cohere_wire
    from tests.servers.openai_wire import chat_chunks, chat_completion

    def answer(request: Any) -> Any:
        body = request.json()
        message = answers(body)
        if body.get("stream"):
            asked = bool((body.get("stream_options") or {}).get("include_usage"))
            return Sse(chat_chunks(message, include_usage=asked))
        return Json(chat_completion(message))

    server.route("/chat/completions", answer)
    server.route("/rerank", Json(cohere_wire.rerank()))


def found(span: Any) -> list[tuple[str, float]]:
    """The documents of a retrieval's span: id and score."""
    import json

    told = json.loads(str((span.attributes or {})["gen_ai.retrieval.documents"]))
    return [(each["id"], each["score"]) for each in told]
