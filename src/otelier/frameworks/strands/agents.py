"""Strands' agents: their session is the conversation of all that is beneath."""

from __future__ import annotations

from typing import Any

from otelier import guard, statics
from otelier.frameworks.strands.native import converse
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what begins the span of an agent: the tracer, which it calls, knows no session."""
    agent = getattr(module, "Agent", None)
    if agent is None or "_start_agent_trace_span" not in agent.__dict__:
        raise LookupError("strands.agent.agent.Agent._start_agent_trace_span")
    patches.wrap(agent, "_start_agent_trace_span", _in_session)
    return "Agent._start_agent_trace_span"


def _in_session(wrapped: Any, agent: Any, args: Any, kwargs: Any) -> Any:
    span = wrapped(*args, **kwargs)
    try:
        manager = statics.storage(agent).get("_session_manager")
        if manager is not None:
            converse(span, statics.storage(manager).get("session_id"))
    except Exception:
        guard.failed("strands.session")
    return span
