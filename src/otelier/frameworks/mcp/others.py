"""Other instrumentations of the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier.hooks import foreign

# What they wrap: module, class, method.
_SEAMS: Final = (
    ("mcp.shared.session", "BaseSession", "send_request"),
    ("mcp.server.lowlevel.server", "Server", "_handle_request"),
    ("mcp.shared.jsonrpc_dispatcher", "JSONRPCDispatcher", "send_raw_request"),
    ("mcp.client.session", "ClientSession", "send_request"),
    ("mcp.client.session", "ClientSession", "call_tool"),
    ("mcp.server.fastmcp.server", "FastMCP", "call_tool"),
)


def candidates() -> Iterator[Any]:
    """What is around the functions that send and serve: whoever has wrapped them."""
    return foreign.wrappers(_SEAMS)
