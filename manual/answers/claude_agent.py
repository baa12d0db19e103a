"""What Claude Code answers on the page of its SDK: a program in its place plays the turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.environments import CACHE
from tests.servers import ProviderServer
from tests.servers.claude_wire import assistant, init, program, result, text, usage, use

_FOLDER: Final = CACHE / "manual" / "claude"
MODEL: Final = "claude-sonnet-5-5"
# The SDK brings the real program along, and takes that first.
BEFORE = f"""
import wrapt


@wrapt.when_imported("claude_agent_sdk._internal.transport.subprocess_cli")
def here(module):
    module.SubprocessCLITransport._find_cli = lambda self: {str(_FOLDER / "main" / "claude")!r}
"""
TREE = """
agent
├─ chat claude-sonnet-5-5
├─ tool mcp__travel__timetable
│  └─ tool timetable
└─ chat claude-sonnet-5-5
initialize
tools/list
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Write the program; the variable by which it finds what to play. Nobody asks the server."""
    Path(_FOLDER).mkdir(parents=True, exist_ok=True)
    wanted = use("toolu_1", "mcp__travel__timetable", to="Lyon")
    ran: dict[str, Any] = {
        "id": "toolu_1",
        "server": "travel",
        "name": "timetable",
        "arguments": {"to": "Lyon"},
    }
    _, environment = program(
        _FOLDER,
        [
            init(MODEL),
            assistant("msg_1", wanted, model=MODEL, usage=usage(4, 71, 15210, 1320)),
            {"call": [ran]},
            assistant(
                "msg_2", text("Take the train at 9:30."), model=MODEL, usage=usage(6, 14, 16530, 96)
            ),
            result("Take the train at 9:30.", stop_reason="end_turn"),
        ],
    )
    return environment
