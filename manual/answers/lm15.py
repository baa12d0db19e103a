"""What the providers of the page of lm15 answer."""

from __future__ import annotations

from tests.servers import Json, ProviderServer, anthropic_wire
from tests.servers.openai_responses import message_item, response_object, response_usage

TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat claude-sonnet-5-5
"""
# The library takes its addresses from no variable.
BEFORE = """
import os

from wrapt import when_imported


@when_imported("lm15.router")
def here(module):
    made = module.LMRouter.__init__
    port = os.environ["MANUAL_SERVER"]
    urls = {"openai": f"http://localhost:{port}/v1", "anthropic": f"http://127.0.0.1:{port}/v1"}
    module.LMRouter.__init__ = lambda self: made(self, module.RouterConfig(base_urls=urls))
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the library finds it."""
    gpt = response_object(
        message_item("The Loire."), model="gpt-6-luna-2026-09-17", usage=response_usage(15, 5)
    )
    claude = anthropic_wire.message(
        anthropic_wire.text_block("The Loire, at 1,006 km."),
        model="claude-sonnet-5-5",
        usage=anthropic_wire.message_usage(17, 13),
    )
    server.script(Json(gpt), Json(claude))
    return {
        "MANUAL_SERVER": server.url.rpartition(":")[2],
        "OTELIER_PROVIDER_HOSTS": "localhost=openai,127.0.0.1=anthropic",
    }
