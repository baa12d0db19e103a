"""Google ADK's users: spans of its agents name the session, and none says whose that is."""

from __future__ import annotations

from typing import Any, Final

from otelier import guard, natives, statics
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAM: Final = "trace_agent_invocation"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what is told of an agent's span when it has begun: ``(span, agent, ctx)``."""
    if _SEAM not in vars(module):
        raise LookupError(f"{module.__name__}.{_SEAM}")
    patches.wrap(module, _SEAM, _begun)
    return f"{module.__name__}.{_SEAM}"


def _begun(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        invocation = argument(args, kwargs, 2, "ctx")
        session = statics.storage(invocation).get("session")
        told = statics.storage(session)
        natives.belongs(argument(args, kwargs, 0, "span"), told.get("user_id"), told.get("id"))
    except Exception:
        guard.failed("google_adk.user")
    return result
