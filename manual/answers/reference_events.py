"""What the provider of the page of events answers."""

from __future__ import annotations

from tests.servers import Json, ProviderServer
from tests.servers.openai_chat import chat_completion, chat_message


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    model = "gpt-6-luna-2026-09-17"
    server.script(Json(chat_completion(chat_message("Bonjour !"), model=model)))
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }
