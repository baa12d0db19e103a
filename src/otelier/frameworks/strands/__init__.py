"""Strands Agents has spans of its own, always on: they stay, and what they lack is added.

Its tree is right: an agent, its cycles (``execute_event_loop_cycle``, an operation of its own that
is left as it is), their model calls and tools. Its spans get their attributes after their start and
say who it is where the provider should be; its content is in span events of the old conventions.

``native``
    What its spans are, by their names, and the content of agents and tools.
``agents``
    The session of an agent, which its spans do not say.
"""

from __future__ import annotations
