"""Other instrumentations of the protocol."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

# What they wrap: module, class, method.
_SEAMS: Final = (
    ("mcp.shared.session", "BaseSession", "send_request"),
    ("mcp.server.lowlevel.server", "Server", "_handle_request"),
    ("mcp.shared.jsonrpc_dispatcher", "JSONRPCDispatcher", "send_raw_request"),
    ("mcp.client.session", "ClientSession", "send_request"),
    ("mcp.client.session", "ClientSession", "call_tool"),
    ("mcp.server.fastmcp.server", "FastMCP", "call_tool"),
)
_MOST: Final = 16


def candidates() -> Iterator[Any]:
    """What is around the functions that send and serve: whoever has wrapped them."""
    for module, owner, method in _SEAMS:
        held = getattr(getattr(sys.modules.get(module), owner, None), method, None)
        for _ in range(_MOST):
            if held is None:
                break
            yield held
            held = getattr(held, "__wrapped__", None)
