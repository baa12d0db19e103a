"""What xAI answers on its page."""

from __future__ import annotations

import atexit
from typing import Any

from tests.servers import ProviderServer, Raw, xai_grpc

TREE = """
chat grok-4.7
chat grok-4.7
"""
MODEL = "grok-4.7"
# The SDK takes its address from no variable.
BEFORE = """
import os

from wrapt import when_imported


@when_imported("xai_sdk.sync.client")
def here(module):
    made = module.Client.__init__
    host = os.environ["MANUAL_SERVER"]
    module.Client.__init__ = lambda self: made(self, api_host=host)
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    xai = xai_grpc.XaiServer(server).start()
    atexit.register(xai.close)
    search = {
        "id": "call_7c20",
        "type": "TOOL_CALL_TYPE_WEB_SEARCH_TOOL",
        "status": "TOOL_CALL_STATUS_COMPLETED",
        "function": {"name": "web_search", "arguments": '{"query":"Python 3.15 release"}'},
    }
    first = xai_grpc.output("Python 3.15.0 came out in October 2026.", tool_calls=[search])
    second = xai_grpc.output("A year later, in October 2027.")
    tools = ["SERVER_SIDE_TOOL_WEB_SEARCH"]
    server.script(
        _answer(first, "3f9c1b52-0c7e", 2304, 1152, 41, 118, 88_340_000, tools),
        _answer(second, "b04d7a16-91aa", 2398, 2304, 12, 64, 17_960_000),
    )
    return {"MANUAL_SERVER": xai.address}


def _answer(
    output: Any,
    id: str,
    read: int,
    cached: int,
    made: int,
    thought: int,
    ticks: int,
    tools: Any = (),
) -> Raw:
    whole = xai_grpc.completion(
        output,
        usage={
            "prompt_tokens": read,
            "prompt_text_tokens": read,
            "prompt_image_tokens": 0,
            "cached_prompt_text_tokens": cached,
            "completion_tokens": made,
            "reasoning_tokens": thought,
            "total_tokens": read + made + thought,
            "cost_in_usd_ticks": ticks,
            "server_side_tools_used": tools,
        },
    )
    whole.id, whole.model, whole.system_fingerprint = id, MODEL, "fp_a8d3e1"
    return Raw(whole.SerializeToString())
