"""Agents, workflows and tools that a framework's own spans show: they stay, and are completed.

The model calls beneath an agent or a workflow are summed up on it, and its conversation is on all
that is beneath. What is particular to a framework, its room says (:class:`Native`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import context as ctx
from otelier import semconv, theirs
from otelier.runtime import Runtime
from otelier.scope import Beneath, Scope, around, beneath, watching
from otelier.semconv import Attributes

_USAGE: Final = "gen_ai.usage."
_SUMS: Final = (semconv.INVOKE_AGENT, semconv.INVOKE_WORKFLOW)


@dataclass(frozen=True, slots=True)
class Native:
    """The spans of one framework."""

    # Of a span that begins: its operation, if that is an agent, a workflow or a tool, and the name.
    begins: Callable[[Any], tuple[str | None, str | None]]
    # Of one that ends, with its attributes: what is to be added, or to be put right.
    ends: Callable[[Any, Mapping[str, Any]], Attributes]
    # How spans are called that tell again what the model calls beneath them tell.
    again: tuple[str, ...] = ()


# By instrumentation scopes: whose spans are looked at.
watched: Final[dict[str, Native]] = {}


def watch(scope: str, native: Native) -> Callable[[], None]:
    """Look at the spans of this instrumentation scope; gives what ends that."""
    watched[scope] = native
    if not watching:
        watching.append(sys.modules[__name__])

    def forget() -> None:
        watched.pop(scope, None)
        if not watched:
            watching.clear()
            beneath.clear()

    return forget


def started(span: Any, held: Context) -> None:
    """A span begins in ``held``, after the session of the context was put on it. Unguarded."""
    native = watched.get(span.instrumentation_scope.name)
    parent = get_current_span(held)
    above = beneath.get(parent)
    if native is None and above is None:
        return
    conversation = _conversation(held, parent, above)
    if conversation is not None and semconv.CONVERSATION_ID not in (span._attributes or {}):
        span.set_attribute(semconv.CONVERSATION_ID, conversation)
    outer = around(held)
    own = None
    if native is not None:
        operation, name = native.begins(span)
        if operation in _SUMS:
            own = Scope(outer, name, operation == semconv.INVOKE_AGENT)
    beneath[span] = Beneath(own or outer, own, conversation)


def ending(run: Runtime, span: Any) -> None:
    """A span ends, and can still be written to. Unguarded."""
    native = watched.get(span.instrumentation_scope.name)
    held = beneath.get(span)
    if native is None or held is None:
        return
    present: Mapping[str, Any] = span._attributes or {}
    found = native.ends(span, present)
    if held.own is not None:
        sums: Attributes = {}
        held.own.close(sums, run.prices is not None)
        found.update((name, value) for name, value in sums.items() if name not in present)
    if held.conversation is not None and present.get(semconv.CONVERSATION_ID) is not None:
        found[semconv.CONVERSATION_ID] = held.conversation
    if not span.status.is_ok and semconv.ERROR_TYPE not in present:
        found.update(_error(span))
    if found:
        theirs.write(span, found)
    if span.name in native.again and held.scope is not None and held.scope.begun != held.begun:
        theirs.remove(span, [name for name in present if name.startswith(_USAGE)])


def _error(span: Any) -> Attributes:
    """The kind of error, where only the exception's event has it."""
    for event in reversed(span.events):
        kind = (event.attributes or {}).get("exception.type")
        if event.name == "exception" and isinstance(kind, str):
            return {semconv.ERROR_TYPE: kind}
    return {}


def _conversation(held: Context, parent: Any, above: Beneath | None) -> str | None:
    """The program's word first; then the outermost agent's, which may come after its start."""
    session: Any = held.get(ctx.SESSION)
    told = None if session is None else session.attributes.get(semconv.CONVERSATION_ID)
    if told is None and above is not None:
        told = above.conversation
        if told is None:
            told = (getattr(parent, "attributes", None) or {}).get(semconv.CONVERSATION_ID)
    return told if isinstance(told, str) else None
