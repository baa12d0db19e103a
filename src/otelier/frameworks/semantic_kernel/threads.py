"""What an agent's run learns on its way: its thread, where the program gave none, and its text."""

from __future__ import annotations

from typing import Any

from otelier.frameworks.semantic_kernel import agents
from otelier.hooks.patching import Patches

_THREAD = "_ensure_thread_exists_with_messages"
_TEXT = "format_instructions"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what all agents get their thread and their instructions from."""
    agent = getattr(module, "Agent", None)
    found = [] if agent is None else [name for name in (_THREAD, _TEXT) if name in agent.__dict__]
    if _THREAD not in found:
        raise LookupError(f"semantic_kernel.agents.agent.Agent.{_THREAD}")
    patches.wrap(agent, _THREAD, _thread)
    if _TEXT in found:
        patches.wrap(agent, _TEXT, _text)
    return f"Agent.{_THREAD}"


async def _thread(wrapped: Any, agent: Any, args: Any, kwargs: Any) -> Any:
    thread = await wrapped(*args, **kwargs)
    agents.converse(thread)
    return thread


async def _text(wrapped: Any, agent: Any, args: Any, kwargs: Any) -> Any:
    text = await wrapped(*args, **kwargs)
    agents.instruct(text)
    return text
