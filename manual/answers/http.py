"""What providers of the page of plain HTTP answer."""

from __future__ import annotations

from typing import Final

from manual.answers import elsewhere, ids
from tests.servers import Json, ProviderServer, Sse, ollama_wire
from tests.servers.anthropic_wire import message, message_events, message_usage, text_block

TREE = """
chat claude-haiku-5-5
chat qwen3:8b
"""
BEFORE: Final = (
    elsewhere.BEFORE
    + """
from requests.adapters import HTTPAdapter
from urllib.parse import urlsplit

plain = HTTPAdapter.send


def led(self, request, *args, **options):
    there = urlsplit(request.url)._replace(scheme="http", netloc=f"127.0.0.1:{PORT}")
    request.url = there.geturl()
    return plain(self, request, *args, **options)


HTTPAdapter.send = led
"""
)


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which it is found."""
    usage = message_usage(14, 8)
    said = message(text_block("The Loire."), model="claude-haiku-5-5", usage=usage, id="msg_01Rb")
    local = {**ollama_wire.chat("It is 1,006 km long."), "model": "qwen3:8b"}
    named = {"request-id": "req_011CX2f", "anthropic-organization-id": "1f6c2c9e-4d0b"}
    server.script(
        Sse(message_events(said), done=None, named=True, headers=named),
        Json(local, headers=ids.request("")),
    )
    return {elsewhere.PORT: server.url.rpartition(":")[2]}
