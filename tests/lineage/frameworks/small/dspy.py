"""A small agent of DSPy's. It expects three chat completions in DSPy's words, with the fields that
the first message asks for: the tool ``get_weather``, then the tool ``finish``, then the answer."""

from __future__ import annotations

from collections.abc import Callable

from tests.lineage.frameworks.dspy_offline import DSPY as DSPY

import dspy  # isort: skip


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def prepare(url: str) -> Callable[[], object]:
    """An agent whose model is at ``url``; what it gives runs it once."""
    lm = dspy.LM("openai/gpt-4o-mini", api_base=f"{url}/v1", api_key="local", cache=False)
    agent = dspy.ReAct("question -> answer", tools=[get_weather])

    def run() -> object:
        with dspy.context(lm=lm):
            return agent(question="What is it in Oslo?")

    return run
