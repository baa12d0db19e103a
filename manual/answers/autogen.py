"""What the provider of the page of AutoGen answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

TREE = """
create agent writer
create agent reader
workflow poets
├─ agent writer
│  └─ chat gpt-5-mini → gpt-5-mini-2025-08-07
└─ agent reader
   └─ chat gpt-5-mini → gpt-5-mini-2025-08-07
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    return play(
        server,
        says("Rain is falling; roofs hum softly.", 38, 12),
        says("Good. APPROVE", 61, 6),
        model="gpt-5-mini-2025-08-07",
    )
