"""What the providers of the page of LiteLLM answer."""

from __future__ import annotations

from tests.servers import Json, ProviderServer, anthropic_wire
from tests.servers.openai_chat import chat_completion, chat_message, chat_usage

TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat claude-sonnet-5-5
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the library finds it."""
    gpt = chat_completion(
        chat_message("The Loire."), model="gpt-6-luna-2026-09-17", usage=chat_usage(15, 5)
    )
    claude = anthropic_wire.message(
        anthropic_wire.text_block("The Loire, at 1,006 km."),
        model="claude-sonnet-5-5",
        usage=anthropic_wire.message_usage(17, 13),
    )
    server.script(Json(gpt), Json(claude))
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "ANTHROPIC_API_BASE": server.url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
