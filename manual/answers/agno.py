"""What the provider of the page of Agno answers."""

from __future__ import annotations

from manual.answers.turns import WEATHER, weather
from tests.servers import ProviderServer

TREE = WEATHER


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    found = weather(server)
    return {**found, "AGNO_TELEMETRY": "false"}
