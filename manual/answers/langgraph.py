"""What the provider of the page of LangGraph answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

TREE = """
workflow letters
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
workflow letters
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
session notice-3
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        says("Dear guests, the pool is closed on Monday, as we clean it.", 22, 16),
        says("The pool is closed on Monday.", 47, 8),
        says("Dear guests, the pool and the sauna are closed on Monday.", 68, 14),
        says("Pool and sauna are closed on Monday.", 91, 9),
        model="gpt-6-luna-2026-09-17",
    )
