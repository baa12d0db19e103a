"""What messages and options tell, by itself: kinds of failures, names, instructions."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from otelier import wire
from otelier.frameworks.claude_agent import prompts

# What other instrumentations wrap.
_TARGETS: Final = (
    ("claude_agent_sdk", "query"),
    ("claude_agent_sdk.query", "query"),
    ("claude_agent_sdk._internal.client", "InternalClient.process_query"),
    ("claude_agent_sdk.client", "ClaudeSDKClient.query"),
    ("claude_agent_sdk.client", "ClaudeSDKClient.receive_response"),
)
# How the program writes the name of a server into that of its tools.
_ODD: Final = re.compile(r"[^a-zA-Z0-9_-]")


def tool_name(server: Any, tool: Any) -> str:
    """By which name the model knows a tool of a server."""
    return f"mcp__{_ODD.sub('_', str(server))}__{_ODD.sub('_', str(tool))}"


def kind(item: Any) -> str:
    """The kind of failure of a turn."""
    subtype, status = item.get("subtype"), item.get("api_error_status")
    if type(subtype) is str and subtype != "success":
        return subtype
    return str(status) if type(status) is int else "api_error"


def errors(item: Any) -> str | None:
    """The errors that a turn has failed with."""
    texts = [text for text in map(wire.text, wire.items(item.get("errors"))) if text]
    return "; ".join(texts) or None


def instructions(transport: Any) -> str | None:
    """What the program was told to be, where that is said here."""
    told = _options(transport).get("system_prompt")
    if type(told) is dict:
        told = told.get("prompt") or told.get("append")
    return told if type(told) is str else None


def described(transport: Any, name: str | None) -> str | None:
    """What a sub-agent is for, where the program that uses the SDK says that."""
    known = _options(transport).get("agents")
    told = known.get(name) if type(known) is dict else None
    ours = type(told).__module__.startswith("claude_agent_sdk.")
    return wire.text(vars(told).get("description")) if ours else None


def _options(transport: Any) -> dict[str, Any]:
    chosen = prompts.options(transport).get("_options")
    return vars(chosen) if type(chosen).__module__.startswith("claude_agent_sdk.") else {}


def others() -> Iterator[Any]:
    """What other instrumentations wrap."""
    for module, path in _TARGETS:
        found: Any = sys.modules.get(module)
        for name in path.split("."):
            found = vars(found).get(name) if found is not None else None
        if found is not None:
            yield found
