"""What the provider of the page of Writer answers."""

from __future__ import annotations

from manual.answers import ids
from tests.servers import ProviderServer, Sse
from tests.servers.openai_chat import chat_chunks, chat_message, chat_usage

MODEL = "palmyra-x5"
TREE = """
chat palmyra-x5
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    said = chat_message("Subject: Your order is on its way\n\nDear Ada, it left us on Monday.")
    id = "4a6e7f10-0b52-4f0e-9f0c-6c0a6f1f7d31"
    usage = chat_usage(64, 27)
    chunks = chat_chunks(said, model=MODEL, id=id, include_usage=True, usage=usage)
    for chunk in chunks:
        chunk |= {"service_tier": None, "system_fingerprint": None}
    server.script(Sse(chunks, done=None, headers=ids.request("0f63b1d2")))
    return {"WRITER_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=writer"}
