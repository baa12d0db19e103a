"""What tests of Semantic Kernel share: a server that answers by rule, an agent, its switches."""

from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function
from semantic_kernel.utils.telemetry.agent_diagnostics import decorators as of_agents
from semantic_kernel.utils.telemetry.model_diagnostics import decorators as of_models

from tests.lineage.frameworks.replying import Say, saying
from tests.servers import ProviderServer, openai_wire

try:
    from semantic_kernel.utils.telemetry.model_diagnostics import function_tracer as of_functions
except ImportError:  # Before semantic-kernel 1.32.
    of_functions = of_models

# The scope of the framework's own spans of model calls.
MODELS = of_models.__name__
# Whether its agents have spans of its own without being asked.
ALWAYS = not hasattr(of_agents, "are_model_diagnostics_enabled")


def switch(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework's own telemetry, as its environment variables would have set it."""
    for module in (of_agents, of_models, of_functions):
        settings = getattr(module, "MODEL_DIAGNOSTICS_SETTINGS", None)
        if settings is None:  # Older versions' agents ask nobody.
            continue
        monkeypatch.setattr(settings, "enable_otel_diagnostics", how != "off")
        monkeypatch.setattr(settings, "enable_otel_diagnostics_sensitive", how == "sensitive")


def answering(server: ProviderServer, say: Say) -> None:
    """Whatever asks the server is answered by this, streamed or not."""
    server.route("/chat/completions", saying(say))


def uses(*names: str, then: str = "It is sunny.", **arguments: Any) -> Say:
    """Asks for tools first, and answers when there are results."""

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if any(message["role"] == "tool" for message in body["messages"]):
            return openai_wire.chat_message(then)
        given = arguments or {"city": "Paris"}
        calls = [
            openai_wire.tool_call(name, given, id=f"call_{at}") for at, name in enumerate(names)
        ]
        return openai_wire.chat_message(None, tool_calls=calls)

    return say


class Weather:
    """The weather."""

    @kernel_function(description="The weather in a city.")
    def get_weather(self, city: str) -> str:
        return f"sunny in {city}"


def service(server: ProviderServer, **options: Any) -> OpenAIChatCompletion:
    client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    return OpenAIChatCompletion(ai_model_id="gpt-4o", async_client=client, **options)


def weather(server: ProviderServer, *plugins: Any, **options: Any) -> ChatCompletionAgent:
    model = options.pop("model", None) or service(server)
    given = {"name": "weather", "instructions": "Be brief.", **options}
    return ChatCompletionAgent(service=model, plugins=list(plugins) or None, **given)


# One agent, which uses its tool once.
AGENT = """
    invoke_agent weather 24+18
      chat gpt-4o 12+9
      execute_tool Weather-get_weather
      chat gpt-4o 12+9
"""
