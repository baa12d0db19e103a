"""LlamaIndex: programs as people write them, and the trees that they would draw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core import VectorStoreIndex, set_global_tokenizer
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool, QueryEngineTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

from tests.lineage.frameworks.drawing import draw, tree
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, tool_call
from tests.servers.replies import Recorded, Reply
from tests.telemetry import Telemetry

# The one that is theirs is loaded over the network.
set_global_tokenizer(str.split)

Say = Callable[[dict[str, Any]], dict[str, Any]]


def saying(say: Say) -> Callable[[Recorded], Reply]:
    """Answers chat completions, streamed or not, with the message that ``say`` makes of a body."""

    def answer(request: Recorded) -> Reply:
        body = request.json()
        message = say(body)
        if body.get("stream"):
            asked = bool((body.get("stream_options") or {}).get("include_usage"))
            return Sse(chat_chunks(message, include_usage=asked))
        return Json(chat_completion(message))

    return answer


def uses(name: str, arguments: dict[str, Any], then: str = "It is sunny.") -> Say:
    """Asks for a tool first, and answers when it has been told the result."""

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return chat_message(then)
        return chat_message(tool_calls=[tool_call(name, arguments)])

    return say


def model(server: ProviderServer, say: Say | None = None) -> OpenAI:
    if say is not None:
        server.route("/chat/completions", saying(say))
    return OpenAI(model="gpt-4o", api_key="k", api_base=server.url + "/v1", max_retries=0)


def embedder(server: ProviderServer) -> OpenAIEmbedding:
    return OpenAIEmbedding(api_key="k", api_base=server.url + "/v1", max_retries=0)


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


def index(server: ProviderServer) -> VectorStoreIndex:
    nodes = [
        TextNode(text="Oslo is in Norway.", id_="n1", embedding=[1.0] + [0.0] * 7),
        TextNode(text="Rome is in Italy.", id_="n2", embedding=[0.0, 1.0] + [0.0] * 6),
    ]
    return VectorStoreIndex(nodes, embed_model=embedder(server))


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("get_weather", {"city": "Oslo"}))
    agent = FunctionAgent(name="weather", tools=[get_weather], llm=llm, system_prompt="Be brief.")

    async def main() -> str:
        return str(await agent.run(user_msg="How is Oslo?"))

    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool get_weather
          chat gpt-4o
        """
    )
