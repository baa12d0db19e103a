"""A small agent whose tool is an MCP server's, in one process; the connection is made each time.

It expects chat completions: a call of ``get_weather``, and an answer.
"""

# No ``from __future__ import annotations``: old servers read their tools' as they are.

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai

from tests.lineage.frameworks.mcp_sides import connected, new, text


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    made = new()

    @made.tool()
    def get_weather(city: str) -> str:
        return f"sunny in {city}"

    def ask(messages: list[Any]) -> Any:
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages)
        return answer.choices[0].message

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="k")

    async def agent() -> Any:
        messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
        async with connected(made) as session:
            said = ask(messages)
            for call in said.tool_calls or ():
                arguments = json.loads(call.function.arguments)
                result = await session.call_tool(call.function.name, arguments)
                told = {"role": "tool", "tool_call_id": call.id, "content": text(result)}
                messages += [said, told]
            return ask(messages).content

    return lambda: asyncio.run(agent())
