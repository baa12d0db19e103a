"""Microsoft Agent Framework has spans of its own, always on: they stay, and are put right.

``native``
    What its spans are, and what they say otherwise than the conventions.
``tools``
    What a tool is given and gives back, which its spans say only by a switch of its own.
``agents``
    The session of an agent, which is the conversation of all that is beneath.
"""

from __future__ import annotations
