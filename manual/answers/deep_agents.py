"""What the provider of the page of Deep Agents answers."""

from __future__ import annotations

from manual.answers.turns import calls, play, says
from tests.servers import ProviderServer

TREE = """
agent lead
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ tool task
│  └─ agent researcher
│     ├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
│     ├─ tool timetable
│     └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        calls("task", {"description": "Trains to Lyon", "subagent_type": "researcher"}, 2914, 31),
        calls("timetable", {"to": "Lyon"}, 1206, 16),
        says("Trains to Lyon leave at 8:00 and at 9:30.", 1248, 16),
        says("Take the train at 9:30.", 2987, 9, cached=2816),
        model="gpt-6-luna-2026-09-17",
    )
