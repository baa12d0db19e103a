"""Google ADK has spans of its own, always on: they stay, and what they lack is added.

``native``
    What its spans are, by their names of today and of older versions.
``metering``
    Which metrics it records itself.
``users``
    For whom it runs.
``tools``
    What a tool is given and gives back, and the tool's step while it runs.
"""

from __future__ import annotations
