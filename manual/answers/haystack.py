"""What the provider of the page of Haystack answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

TREE = """
workflow handbook
├─ retrieval
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    found = play(
        server,
        says("You have 30 days of leave a year.", 58, 11),
        model="gpt-6-luna-2026-09-17",
    )
    return {**found, "HAYSTACK_TELEMETRY_ENABLED": "False"}
