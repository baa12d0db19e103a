"""What the provider of the page of CrewAI answers."""

from __future__ import annotations

from manual.answers.turns import calls, play, says
from tests.servers import ProviderServer

TREE = """
workflow travel
├─ agent Planner
│  ├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
│  ├─ tool search_trains
│  └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ agent Writer
   └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        calls("search_trains", {"to": "Lyon"}, 214, 17),
        says("9:30", 251, 6),
        says("Your train to Lyon leaves at 9:30.", 187, 12),
        model="gpt-6-luna-2026-09-17",
    )
