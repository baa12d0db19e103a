"""Whose conversation a run is, which Agno finds out when the run has begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, semconv
from otelier.frameworks import steps
from otelier.frameworks.agno.events import Run
from otelier.hooks.patching import Patches
from otelier.sessions import told as told_before

# A method, or in newer versions of agents and teams a function.
_NAMES: Final = ("_initialize_session", "initialize_session")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the function of this module that finds it out."""
    if not found(module, patches):
        raise LookupError(f"{module.__name__}.initialize_session")
    return f"{module.__name__}.initialize_session"


def found(owner: Any, patches: Patches) -> bool:
    """Wrap it, if the class or module has it."""
    names = [name for name in _NAMES if name in owner.__dict__]
    for name in names:
        patches.wrap(owner, name, _session)
    return bool(names)


def _session(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    told = wrapped(*args, **kwargs)
    try:
        handle = ctx.current().get(ctx.STEP)
        owner = args[0] if owner is None and args else owner
        if isinstance(handle, Run) and handle.whose() is owner:
            conversation = told[0]
            if kwargs.get("session_id") is None and steps.given(conversation) is None:
                # One that Agno has made up is none of its own inside of another.
                conversation = told_before(handle.context).get(semconv.CONVERSATION_ID, told[0])
            steps.belongs(handle, conversation_id=conversation, user_id=told[1])
    except Exception:
        guard.failed("agno.session")
    return told
