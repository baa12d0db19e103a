"""What the provider of the page of smolagents answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

TREE = """
agent planner
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ tool python_interpreter
│  └─ tool distance
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ tool python_interpreter
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    code = "Thought: I look the distance up.\n<code>\nprint(distance('Paris', 'Lyon'))\n</code>"
    done = "Thought: 392 / 20 hours.\n<code>\nfinal_answer(f'{392 / 20} hours')\n</code>"
    return play(
        server,
        says(code, 2104, 31),
        says(done, 2176, 29, cached=2048),
        model="gpt-6-luna-2026-09-17",
    )
