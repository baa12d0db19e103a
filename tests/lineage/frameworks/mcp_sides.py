"""Servers and clients of the Model Context Protocol in one process, by either of its SDKs."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

import pytest

VERSION = tuple(int(part) for part in version("mcp").split(".")[:2])
V2 = VERSION >= (2, 0)

if V2:
    from mcp.server.mcpserver import Context as Context
    from mcp.server.mcpserver import MCPServer as Server
else:
    from mcp.server.fastmcp import Context as Context
    from mcp.server.fastmcp import FastMCP as Server


def since(*version: int) -> pytest.MarkDecorator:
    """A test of what came with a version of the SDK."""
    said = ".".join(map(str, version))
    return pytest.mark.skipif(version > VERSION, reason=f"mcp has it since {said}")


def new(name: str = "weather") -> Any:
    """A server of the SDK's high level, which says nothing of its own."""
    return Server(name, log_level="CRITICAL")


def lowlevel(made: Any) -> Any:
    """The low-level server inside."""
    return made._lowlevel_server if hasattr(made, "_lowlevel_server") else made._mcp_server


def connected(
    made: Any, *, direct: bool = False, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """A client of a server in this process; ``direct`` without messages, where there is that."""
    if V2:
        from mcp import Client

        return Client(made, mode="auto" if direct else "legacy", **options)
    from mcp.shared.memory import create_connected_server_and_client_session

    inner = made if hasattr(made, "request_handlers") else lowlevel(made)
    return create_connected_server_and_client_session(inner, **options)


def text(result: Any) -> str:
    """The text of a tool's result."""
    return str(result.content[0].text)


def is_error(result: Any) -> bool:
    """Whether a tool's result is an error."""
    return bool(result.is_error if hasattr(result, "is_error") else result.isError)
