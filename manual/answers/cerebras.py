"""What the provider of the page of Cerebras answers."""

from __future__ import annotations

from manual.answers import ids
from tests.servers import ProviderServer, Sse
from tests.servers.openai_chat import chat_chunks, chat_message, chat_usage, delta_choice

MODEL = "gpt-oss-120b"
TREE = """
chat gpt-oss-120b
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    usage = chat_usage(79, 141, reasoning=108)
    said = chat_message("The 14:05, which arrives at 16:02.")
    chunks = chat_chunks(said, model=MODEL, id="chatcmpl-92f4", include_usage=True, usage=usage)
    thought = {"role": "assistant", "reasoning": "13:20 is too early; of the rest the first."}
    chunks.insert(0, {**chunks[0], "choices": [delta_choice(thought)]})
    for chunk in chunks:
        chunk |= {"system_fingerprint": "fp_a1c83e5d90b7"}
    # The client opens its connection by a request of its own, which takes no scripted reply.
    server.route("/chat/completions", Sse(chunks, headers=ids.request("9a1f2c7be05d3e41")))
    return {"CEREBRAS_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=cerebras"}
