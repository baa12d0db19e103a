"""Haystack: an agent with one tool. Replies: two chat completions, whole; a call of the tool
``add`` first, then a text."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret


def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


_NUMBERS = {"a": {"type": "integer"}, "b": {"type": "integer"}}


def prepare(url: str) -> Callable[[], object]:
    """The agent, on the server at ``url``; what is returned runs it once."""
    tool = Tool(
        name="add",
        description="Adds.",
        parameters={"type": "object", "properties": _NUMBERS, "required": ["a", "b"]},
        function=add,
    )
    llm = OpenAIChatGenerator(
        api_key=Secret.from_token("k"), model="gpt-4o", api_base_url=url + "/v1", max_retries=0
    )
    agent = Agent(chat_generator=llm, tools=[tool])
    agent.warm_up()
    return lambda: agent.run(messages=[ChatMessage.from_user("What is 1 + 2?")])
