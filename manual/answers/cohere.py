"""What the provider of the page of Cohere answers."""

from __future__ import annotations

from tests.servers import ProviderServer, cohere_wire

TREE = """
rerank rerank-v3.5
chat command-a-03-2025
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    said = "You have 30 days of leave a year."
    cited = {
        "start": 9,
        "end": 22,
        "text": "30 days of leave",
        "sources": [{"type": "document", "id": "doc:0", "document": {"text": LEAVE}}],
        "type": "TEXT_CONTENT",
    }
    usage = {
        "billed_units": {"input_tokens": 29, "output_tokens": 10},
        "tokens": {"input_tokens": 658, "output_tokens": 12},
    }
    server.script(
        cohere_wire.ok(cohere_wire.rerank()),
        cohere_wire.ok(cohere_wire.chat(said, usage=usage, citations=[cited])),
    )
    return {"CO_API_URL": server.url}


LEAVE = "Everybody has 30 days of leave a year."
