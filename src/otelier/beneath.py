"""What belongs to an agent or a workflow that somebody else's span shows, found by spans.

A framework hands on its own contexts, which know nothing of ours: there what is current is known by
the spans alone. Only spans of frameworks that are watched (:mod:`otelier.natives`), and those
beneath, are noted here.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.trace import Span, get_current_span

from otelier import context as ctx


class Beneath:
    """What a span, and all that begins while it is current, belongs to."""

    __slots__ = ("conversation", "own", "scope")

    def __init__(self, scope: Any, own: Any, conversation: str | None) -> None:
        # The innermost agent or workflow that sums up what is used here.
        self.scope = scope
        # The span's own scope, if it is an agent's or a workflow's.
        self.own = own
        # The conversation that the program, or the outermost span, names.
        self.conversation = conversation


spans: Final[WeakKeyDictionary[Any, Beneath]] = WeakKeyDictionary()


def scope(context: Context) -> Any:
    """The innermost agent or workflow around ``context``, whoever shows it."""
    if spans:
        found = spans.get(get_current_span(context))
        if found is not None and found.scope is not None:
            return found.scope
    return context.get(ctx.SCOPE)


def enter(span: Span, scope: Any) -> None:
    """``span`` is that of a step of ours with a scope: that is the innermost from now on."""
    found = spans.get(span) if spans else None
    if found is not None:
        found.scope = scope
