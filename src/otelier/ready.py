"""What the ends of calls and steps need, imported before the first of them begins.

An end may come from the garbage collector, in a signal handler, in a forked child or while the
program ends. An import there may find half of a module, or wait for a thread that is gone.
"""

from __future__ import annotations

from otelier import content, cost, events, metrics, steady

__all__ = ["content", "cost", "events", "metrics", "steady"]
