"""What the provider of the page of Mistral answers."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, ProviderServer, mistral_wire

MODEL = "mistral-medium-latest"
TREE = """
chat mistral-medium-latest
chat mistral-medium-latest
chat mistral-medium-latest
session conv_0199a3c4e1f27b
"""
# The SDK takes its address from no variable.
BEFORE = """
import os

from wrapt import when_imported


@when_imported("mistralai.client.sdkconfiguration")
def here(module):
    module.SERVERS[module.SERVER_GLOBAL] = os.environ["MANUAL_SERVER"]
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    parsed = '{"number": "2026-117", "total": 1190.0, "currency": "EUR"}'
    invoice = mistral_wire.chat(parsed)
    server.script(
        Json({**invoice, "id": "5b1f9c0ea3d24f0b", "model": MODEL, "usage": _usage(118, 24)}),
        Json(_conversation("The Loire.", _usage(14, 5))),
        Json(_conversation("It is 1,006 km long.", _usage(34, 13))),
    )
    return {"MANUAL_SERVER": server.url}


def _usage(read: int, made: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


def _conversation(text: str, usage: dict[str, int]) -> dict[str, Any]:
    said = {**mistral_wire.message(text), "model": MODEL}
    del said["agent_id"]
    found = mistral_wire.conversation(said, **usage)
    return {**found, "conversation_id": "conv_0199a3c4e1f27b"}
