"""A small agent of Claude's: it asks, uses a tool, and asks again.

Its model calls are made by a program of its own, which is played here: no replies are expected.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, query

from tests.servers.claude_wire import assistant, init, program, result, results, text, use


def prepare(url: str) -> Callable[[], object]:
    """What it gives runs the agent once; nothing is asked at ``url``."""
    folder = tempfile.TemporaryDirectory()
    path, environment = program(
        Path(folder.name),
        [
            init(),
            assistant("m1", use("t1", "get_weather", city="Oslo")),
            results(("t1", "Sunny in Oslo")),
            assistant("m2", text("Sunny.")),
            result("Sunny."),
        ],
    )
    options = ClaudeAgentOptions(cli_path=path, env=environment)

    async def ask() -> list[Any]:
        return [message async for message in query(prompt="What is it in Oslo?", options=options)]

    def run() -> list[Any]:
        # Kept for as long as this is.
        assert folder.name
        return asyncio.run(ask())

    return run
