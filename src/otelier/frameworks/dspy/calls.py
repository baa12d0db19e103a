"""``ReActV2`` knows the ids of the calls whose tools it executes; the tools are not told them."""

from __future__ import annotations

from typing import Any

from otelier.frameworks.dspy.tools import anoting, noting
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the part of the agent that executes tools."""
    owner = module.__dict__.get("ReActV2")
    if owner is None or "_execute_tool_calls" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.ReActV2._execute_tool_calls")
    patches.wrap(owner, "_execute_tool_calls", noting)
    if "_aexecute_tool_calls" in owner.__dict__:
        patches.wrap(owner, "_aexecute_tool_calls", anoting)
    return "ReActV2._execute_tool_calls"
