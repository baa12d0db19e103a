"""What the provider of the page of OpenAI answers."""

from __future__ import annotations

from tests.servers import Json, ProviderServer
from tests.servers.openai_responses import (
    function_call_item,
    message_item,
    response_object,
    response_usage,
)

TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    model = "gpt-6-luna-2026-09-17"
    call = function_call_item("get_weather", {"city": "Paris"})
    said = message_item("It is 18 °C and sunny in Paris.")
    server.script(
        Json(response_object(call, model=model, usage=response_usage(71, 20))),
        Json(response_object(said, model=model, usage=response_usage(112, 14))),
    )
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }
