"""``otelier mcp``: the questions as tools for coding agents, by MCP over stdin and stdout."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from functools import partial

import otelier
from otelier.cli.extras import missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "An agent starts it once it knows of it: `claude mcp add otelier -- otelier mcp`, "
        'or {"mcpServers": {"otelier": {"command": "otelier", "args": ["mcp"]}}} in its settings.'
    )
    parser.add_argument("--store", help="a path or clickhouse://host/database, not OTELIER_STORE")


def run(args: argparse.Namespace) -> int:
    """Answer until the input ends; 2 without the packages."""
    if missing("mcp", "mcp", "mcp"):
        return 2
    # Under `otelier run` an agent's tools are seen. This one would only tell of itself.
    otelier.uninstrument()
    from otelier.store.opening import opened
    from otelier.web.tools import serve

    if sys.stdin.isatty():
        print("otelier mcp: an agent speaks here, not a person; see --help", file=sys.stderr)
    # A thread waits for input, which no exception ends; and nothing is left to be done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serve(partial(opened, args.store)))
    return 0
