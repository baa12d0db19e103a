"""What the provider of the page of LlamaIndex answers."""

from __future__ import annotations

from manual.answers.turns import UNTOLD, embeds, play, says
from tests.servers import ProviderServer

BEFORE = UNTOLD
TREE = """
embeddings text-embedding-3-small
workflow
├─ retrieval
│  └─ embeddings text-embedding-3-small
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    embeds(server, 27, 9)
    found = play(
        server,
        says("You have 30 days of leave a year.", 131, 11),
        model="gpt-6-luna-2026-09-17",
    )
    return {**found, "OPENAI_API_BASE": found["OPENAI_BASE_URL"]}
