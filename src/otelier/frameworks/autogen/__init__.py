"""AutoGen has spans of its own, always on: they stay, and what they lack is added.

``native``
    What the spans of agents and tools are.
``tools``
    What a tool is given and gives back; the tool's span is current where the tool runs, too.
``teams``
    A team's run is a workflow: its agents are beneath it, in one trace.
``runtime``
    The messages of a team's own runtime, some forty spans for each turn, are not shown.
"""

from __future__ import annotations
