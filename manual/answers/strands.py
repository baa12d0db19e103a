"""What the provider of the page of Strands Agents answers."""

from __future__ import annotations

from manual.answers.turns import weather
from tests.servers import ProviderServer

TREE = """
agent weather
├─ execute event loop cycle
│  ├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
│  └─ tool get_weather
└─ execute event loop cycle
   └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return weather(server)
