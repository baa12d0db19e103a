"""What the provider of the page of MCP answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

TREE = """
server/discover
└─ server/discover
tool report
└─ tool report
   └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
tools/list
└─ tools/list
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    told = says("It is 18 °C and sunny in Paris.", 14, 13)
    found = play(server, told, model="gpt-6-luna-2026-09-17")
    # The tests' environment has it, and a reader who follows the page has not.
    return {**found, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "starlette"}
