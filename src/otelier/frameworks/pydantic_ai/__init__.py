"""Pydantic AI has spans of its own, in the conventions' shape: they are switched on, and completed.

``switch``
    Turns them on where the program has not decided, by settings of ours: content by our policy.
``tracer``
    The tracer of these settings: what is missing on each span, and the conversation on what the
    program does inside.
``policy``
    Whether content may be on the spans.
``older``
    The names that spans had in versions before the conventions'.
"""

from __future__ import annotations
