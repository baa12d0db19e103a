"""What the provider of the quickstart answers: the same conversation to both of its programs."""

from __future__ import annotations

from tests.servers import Json, ProviderServer
from tests.servers.openai_chat import chat_completion, chat_message, chat_usage

_MODEL = "gpt-6-luna-2026-09-17"
TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
agent guide
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
agent guide
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
agent guide
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
agent guide
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
session peru-1
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    turns = (("The Ucayali.", 12, 6), ("About 1,600 km.", 32, 8))
    replies = [
        Json(
            chat_completion(
                chat_message(text),
                model=_MODEL,
                usage=chat_usage(sent, made),
                id=f"chatcmpl-{sent}",
            )
        )
        for text, sent, made in turns
    ]
    server.script(*replies * 3)
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }
