"""Everything that a provider, a proxy or a compatible server may send and should not.

The names say what is wrong. A string among the events is a raw data line. Where an SDK itself
raises, it has to raise the same with the instrumentation as without it.
"""

from __future__ import annotations

from .hostile_chat import HOSTILE_BODIES, HOSTILE_CHAT, HOSTILE_EMBEDDINGS_BODIES
from .hostile_lines import HOSTILE_RAW_LINES
from .hostile_messages import HOSTILE_MESSAGES, HOSTILE_MESSAGES_BODIES
from .hostile_responses import HOSTILE_RESPONSES, HOSTILE_RESPONSES_BODIES

__all__ = [
    "HOSTILE_BODIES",
    "HOSTILE_CHAT",
    "HOSTILE_EMBEDDINGS_BODIES",
    "HOSTILE_MESSAGES",
    "HOSTILE_MESSAGES_BODIES",
    "HOSTILE_RAW_LINES",
    "HOSTILE_RESPONSES",
    "HOSTILE_RESPONSES_BODIES",
]
