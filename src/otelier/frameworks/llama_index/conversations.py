"""The framework's own word for a conversation: whose memory it is."""

from __future__ import annotations

from typing import Any, Final

from otelier import statics

# What a memory has where nobody has chosen.
_DEFAULT: Final = "chat_history"


def conversation(memory: Any) -> str | None:
    """The session of a memory, or the key by which its store keeps the messages."""
    if memory is None:
        return None
    for name in ("session_id", "chat_store_key"):
        found = statics.member(memory, name)
        if isinstance(found, str) and found != _DEFAULT:
            return found
    return None
