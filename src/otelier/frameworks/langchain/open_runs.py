"""The runs that have not ended, whoever of this room asks."""

from __future__ import annotations

from typing import Any, Final

from otelier.frameworks.steps import Runs

runs: Final = Runs()

# Under which of its metadata a program, LangGraph's checkpointer or LangSmith names a thread.
_THREADS: Final = ("thread_id", "conversation_id", "session_id")
# And under which a user: one that LangGraph's platform has authenticated, or whom the program says.
_USERS: Final = ("langgraph_auth_user_id", "user_id")


def conversation(metadata: Any) -> Any:
    """The thread that a run belongs to, or None."""
    for name in _THREADS if metadata else ():
        if metadata.get(name):
            return metadata[name]
    return None


def user(metadata: Any) -> str | None:
    """Whom a run is for, or None."""
    for name in _USERS if metadata else ():
        told = metadata.get(name)
        # Where nobody is authenticated the platform says so by an empty text.
        if (type(told) is str or type(told) is int) and told:
            return str(told)
    return None
