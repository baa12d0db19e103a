"""What the provider of the page of Together answers."""

from __future__ import annotations

from manual.answers import ids
from tests.servers import Json, ProviderServer
from tests.servers.openai_chat import chat_completion, chat_message, chat_usage

MODEL = "zai-org/GLM-5.3-Flash"
TREE = """
chat zai-org/GLM-5.3-Flash
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    said = chat_message('{"sentiment": "bad", "topics": ["packaging", "delivery"]}')
    usage = {**chat_usage(118, 19), "cached_tokens": 64}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        del usage[name]
    body = chat_completion(said, model=MODEL, usage=usage, id="oQ8tZvM-4msxKd")
    del body["service_tier"], body["system_fingerprint"]
    server.route("/chat/completions", Json(body, headers=ids.request("oQ8tZvM-4msxKd")))
    return {"TOGETHER_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=together_ai"}
