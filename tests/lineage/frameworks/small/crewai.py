"""A small crew: one agent asks, uses its tool, and asks again. Expects two chat completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool


@tool("get_weather")
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def prepare(url: str) -> Callable[[], object]:
    """A crew whose model is at ``url``; what it gives runs it once."""
    llm = LLM(model="openai/gpt-4o-mini", base_url=f"{url}/v1", api_key="local")

    def run() -> Any:
        # CrewAI keeps what a tool has answered for as long as the crew lives.
        teller = Agent(
            role="Weather teller",
            goal="Tell the weather",
            backstory="You know a tool.",
            llm=llm,
            tools=[get_weather],
        )
        task = Task(description="What is it in Oslo?", expected_output="Words", agent=teller)
        return Crew(name="weather", agents=[teller], tasks=[task], cache=False).kickoff()

    return run
