"""What the provider of the page of Fireworks answers."""

from __future__ import annotations

from manual.answers import ids
from tests.servers import Json, ProviderServer
from tests.servers.openai_chat import chat_completion, chat_message, chat_usage, tool_call

MODEL = "accounts/fireworks/models/glm-5p3-flash"
TREE = """
chat accounts/fireworks/models/glm-5p3-flash
chat accounts/fireworks/models/glm-5p3-flash
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    asked = chat_message(tool_calls=[tool_call("grep", {"pattern": "ERROR"}, id="call_Kx2")])
    said = chat_message("The database was not reachable at 09:14.")
    for number, (message, usage) in enumerate(
        ((asked, chat_usage(131, 24)), (said, chat_usage(214, 15, cached=128))), start=1
    ):
        body = chat_completion(message, model=MODEL, usage=usage, id=f"5d27c0be-{number}")
        del body["service_tier"], body["system_fingerprint"]
        server.script(Json(body, headers=ids.request(f"5d27c0be-{number}")))
    return {"FIREWORKS_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=fireworks_ai"}
