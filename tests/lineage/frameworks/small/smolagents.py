"""A small agent of smolagents: model, one tool, model; over the chat completions API."""

from __future__ import annotations

from collections.abc import Callable

from smolagents import OpenAIServerModel, ToolCallingAgent, tool


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city.

    Args:
        city: The city to look at.
    """
    return f"sunny in {city}"


def prepare(url: str) -> Callable[[], object]:
    """What runs the agent once.

    The server at ``url`` answers two chat completions: a call of ``get_weather`` with a ``city``,
    then a text, to what has a message of the role ``tool``.
    """
    model = OpenAIServerModel(
        model_id="gpt-4o-mini",
        api_base=f"{url}/v1",
        api_key="local",
        custom_role_conversions={"tool-call": "assistant", "tool-response": "tool"},
    )
    # After one step the model is asked for its answer, in words.
    agent = ToolCallingAgent(tools=[get_weather], model=model, max_steps=1, verbosity_level=-1)
    return lambda: agent.run("What is it in Oslo?")
