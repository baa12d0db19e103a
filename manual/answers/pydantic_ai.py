"""What the provider of the page of Pydantic AI answers."""

from __future__ import annotations

from manual.answers.turns import calls, play
from tests.servers import ProviderServer

TREE = """
agent forecaster
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ tool look_up
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        calls("look_up", {"city": "Paris"}, 118, 15),
        calls("final_result", {"city": "Paris", "celsius": 18, "umbrella": False}, 151, 24),
        model="gpt-6-luna-2026-09-17",
    )
