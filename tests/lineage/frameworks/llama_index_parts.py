"""What the tests of LlamaIndex share: models that answer by rule, and an index of two documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from llama_index.core import VectorStoreIndex, set_global_tokenizer
from llama_index.core.schema import TextNode
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, tool_call
from tests.servers.replies import Recorded, Reply

# The one that is theirs is loaded over the network.
set_global_tokenizer(str.split)

# What a model says to the body of a request.
Say = Callable[[dict[str, Any]], dict[str, Any]]


def saying(say: Say) -> Callable[[Recorded], Reply]:
    """Answers chat completions, streamed or not."""

    def answer(request: Recorded) -> Reply:
        body = request.json()
        message = say(body)
        if body.get("stream"):
            asked = bool((body.get("stream_options") or {}).get("include_usage"))
            return Sse(chat_chunks(message, include_usage=asked))
        return Json(chat_completion(message))

    return answer


def uses(name: str, *arguments: dict[str, Any], then: str = "It is sunny.") -> Say:
    """Asks for a tool first, once for each of the arguments; answers when it has the results."""

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return chat_message(then)
        calls = [
            tool_call(name, each, id=f"call_{number}") for number, each in enumerate(arguments)
        ]
        return chat_message(tool_calls=calls)

    return say


def model(server: ProviderServer, say: Say | None = None) -> OpenAI:
    if say is not None:
        server.route("/chat/completions", saying(say))
    return OpenAI(model="gpt-4o", **_where(server))


def _where(server: ProviderServer) -> dict[str, Any]:
    # Tests run several event loops, of which each has connections of its own.
    url = server.url + "/v1"
    return {"api_key": "k", "api_base": url, "max_retries": 0, "reuse_client": False}


def index(server: ProviderServer) -> VectorStoreIndex:
    nodes = [
        TextNode(text="Oslo is in Norway.", id_="n1", embedding=[1.0] + [0.0] * 7),
        TextNode(text="Rome is in Italy.", id_="n2", embedding=[0.0, 1.0] + [0.0] * 6),
    ]
    return VectorStoreIndex(nodes, embed_model=OpenAIEmbedding(**_where(server)))


def ask(runs: Any, question: str = "How is Oslo?", **more: Any) -> Any:
    """Run an agent in a loop of its own."""

    async def main() -> Any:
        return await runs.run(user_msg=question, **more)

    return asyncio.run(main())


def memory(conversation: str) -> Any:
    """A memory of a conversation; earlier versions know it by the key of its store alone."""
    from llama_index.core import memory as memories

    if hasattr(memories, "Memory"):
        return memories.Memory.from_defaults(session_id=conversation)
    return memories.ChatMemoryBuffer.from_defaults(chat_store_key=conversation)
