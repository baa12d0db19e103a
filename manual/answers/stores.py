"""What the provider of the page of vector stores answers."""

from __future__ import annotations

from manual.answers.turns import UNTOLD, embeds
from tests.servers import ProviderServer

BEFORE = UNTOLD
TREE = """
embeddings text-embedding-3-small
retrieval handbook
└─ embeddings text-embedding-3-small
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    embeds(server, 24, 7, 7)
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }
