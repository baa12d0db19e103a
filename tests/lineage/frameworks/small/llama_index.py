"""LlamaIndex: an agent with one tool. Replies: two chat completions, whole; a call of the tool
``add`` first, then a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llama_index.core import set_global_tokenizer
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI


def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def prepare(url: str) -> Callable[[], object]:
    """The agent, on the server at ``url``; what is returned runs it once."""
    # The one that is theirs is loaded over the network.
    set_global_tokenizer(str.split)
    llm = OpenAI(
        model="gpt-4o", api_key="k", api_base=url + "/v1", max_retries=0, reuse_client=False
    )
    agent = FunctionAgent(name="adder", description="Adds.", tools=[add], llm=llm, streaming=False)

    async def main() -> object:
        return await agent.run(user_msg="What is 1 + 2?")

    return lambda: asyncio.run(main())
