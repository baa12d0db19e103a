"""What providers of the page of OpenAI-compatible servers answer."""

from __future__ import annotations

from typing import Any

from manual.answers import ids
from manual.answers.elsewhere import BEFORE, PORT
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_chat import chat_chunks, chat_completion, chat_message, chat_usage

TREE = """
chat deepseek/deepseek-v4-pro
chat qwen3-8b
chat our-deployment → gpt-5-mini-2025-08-07
"""
__all__ = ["BEFORE", "TREE", "answers"]


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which it is found."""
    cost = {
        "cost": 0.0000537,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": None,
            "upstream_inference_prompt_cost": 0.0000184,
            "upstream_inference_completions_cost": 0.0000353,
        },
    }
    routed = _whole("The Loire.", 14, 9, model="deepseek/deepseek-v4-pro", id="gen-1764417600-Zk4")
    routed |= {"provider": "DeepInfra", "usage": {**routed["usage"], **cost}}
    azure = {
        **ids.request("5b0c4a7e"),
        "apim-request-id": "7d1f9c2a",
        "x-ms-region": "Sweden Central",
    }
    usage = chat_usage(23, 31)
    said = chat_message("The Loire, the Seine and the Rhone.")
    chunks = chat_chunks(
        said, model="qwen3-8b", id="chatcmpl-3c71", include_usage=True, usage=usage
    )
    for chunk in chunks:
        del chunk["service_tier"], chunk["system_fingerprint"]
    server.script(
        Json(routed, headers={**ids.request(""), "x-generation-id": "gen-1764417600-Zk4"}),
        Sse(chunks, headers=ids.request("")),
        Json(_whole("The Seine.", 14, 7, model="gpt-5-mini-2025-08-07"), headers=azure),
    )
    return {PORT: server.url.rpartition(":")[2]}


def _whole(text: str, read: int, made: int, **more: Any) -> dict[str, Any]:
    said = chat_message(text)
    usage = chat_usage(read, made)
    whole = chat_completion(said, usage=usage, **{"id": "chatcmpl-8ad2", **more})
    del whole["service_tier"], whole["system_fingerprint"]
    return whole
