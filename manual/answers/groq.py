"""What the provider of the page of Groq answers."""

from __future__ import annotations

from manual.answers import ids
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_chat import (
    chat_chunks,
    chat_message,
    chat_usage,
    tool_call,
)
from tests.servers.openai_media import transcription

MODEL = "openai/gpt-oss-120b"
TREE = """
generate whisper-large-v3-turbo
chat openai/gpt-oss-120b
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    heard = {**transcription("Two tickets to Lyon for Friday, please."), "usage": None}
    heard["x_groq"] = {"id": "req_01k9tqe1"}
    usage = {
        **chat_usage(214, 96, cached=128, reasoning=61),
        "queue_time": 0.021,
        "prompt_time": 0.009,
        "completion_time": 0.19,
        "total_time": 0.199,
    }
    order = tool_call("book", {"to": "Lyon", "day": "Friday", "seats": 2}, id="fc_8b1e")
    said = chat_message(tool_calls=[order])
    chunks = chat_chunks(said, model=MODEL, id="chatcmpl-5e0d2a91")
    chunks[0]["x_groq"] = {"id": "req_01k9tqe2"}
    chunks[-1]["x_groq"] = {"id": "req_01k9tqe2", "usage": usage}
    for chunk in chunks:
        chunk |= {"service_tier": "on_demand", "system_fingerprint": "fp_5cf921caa2"}
    server.script(Json(heard, headers=ids.request("req_01k9tqe1")), Sse(chunks))
    return {"GROQ_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=groq"}
