"""Agents of Microsoft Agent Framework: their session is the conversation of all that is beneath."""

from __future__ import annotations

from typing import Any, Final

from otelier import completing, guard, statics
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAM: Final = "_get_otel_conversation_id"
_SESSION: Final = ("session_id", "_session_id")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what names the conversation: it knows only what a service has named."""
    for each in tuple(vars(module).values()):
        if isinstance(each, type) and _SEAM in each.__dict__:
            patches.wrap(each, _SEAM, _named)
            return f"{each.__name__}.{_SEAM}"
    raise LookupError(f"agent_framework._agents.{_SEAM}")


def _named(wrapped: Any, agent: Any, args: Any, kwargs: Any) -> Any:
    told = wrapped(*args, **kwargs)
    try:
        # The id of an answer is another one with each.
        if told is None or completing.is_answer(told):
            session = argument(args, kwargs, 0, "session")
            held = {} if session is None else statics.storage(session)
            own = next((held[name] for name in _SESSION if type(held.get(name)) is str), None)
            return own or told
    except Exception:
        guard.failed("agent_framework.session")
    return told
