"""What the provider of the page of Instructor answers."""

from __future__ import annotations

from manual.answers.turns import calls, play
from tests.servers import ProviderServer

TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        calls("Invoice", {"number": "4711", "total": 250.0}, 109, 19),
        calls("Invoice", {"number": "2026-4711", "total": 250.0}, 201, 22),
        model="gpt-6-luna-2026-09-17",
    )
