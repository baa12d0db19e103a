"""What the provider of the page of OpenAI's Agents SDK answers."""

from __future__ import annotations

from manual.answers.turns import calls, play, says
from tests.servers import ProviderServer

TREE = """
workflow
├─ agent triage
│  └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ agent parcels
   ├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
   ├─ tool find_parcel
   └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    found = play(
        server,
        calls("transfer_to_parcels", {}, 62, 12),
        calls("find_parcel", {"number": "4711"}, 94, 17),
        says("Your parcel is in Lyon and arrives tomorrow.", 127, 13),
        model="gpt-6-luna-2026-09-17",
    )
    # Its own traces would go to OpenAI.
    return {**found, "OPENAI_AGENTS_DISABLE_TRACING": "1"}
