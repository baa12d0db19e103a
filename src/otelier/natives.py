"""Agents, workflows and tools that a framework's own spans show: they stay, and are completed.

The model calls beneath an agent or a workflow are summed up on it, and its conversation is on all
that is beneath. What is particular to a framework, its room says (:class:`Native`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from weakref import ref

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import apart, completing, guard, runtime, semconv, theirs, unicode, values
from otelier import context as ctx
from otelier.runtime import Runtime
from otelier.scope import Beneath, Scope, around, beneath, watching
from otelier.semconv import Attributes

_COUNTS: Final = (semconv.USAGE_INPUT, semconv.USAGE_OUTPUT)
_USAGE: Final = "gen_ai.usage."
_WHOSE: Final = (semconv.USER_ID, semconv.SESSION_ID)
_SUMS: Final = (semconv.INVOKE_AGENT, semconv.INVOKE_WORKFLOW)


@dataclass(frozen=True, slots=True)
class Native:
    """The spans of one framework."""

    # Of a span that begins: its operation, if that is an agent, a workflow or a tool, and the name.
    begins: Callable[[Any], tuple[str | None, str | None]]
    # Of one that ends, with its attributes: what is to be added, or to be put right.
    ends: Callable[[Any, Mapping[str, Any]], Attributes]
    # Whether its agents are loops of model calls: what the first is asked and the last answers is
    # the agent's, where the framework does not say it by the conventions' names.
    mirrors: bool = False
    # Whether what it says that an agent has used is of that run alone.
    counts: bool = True
    # How spans are called that tell again what the model calls beneath them tell.
    again: tuple[str, ...] = ()
    # Whether an agent that is left early leaves spans beneath it open, which then are never seen.
    leaves_open: bool = False


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


def by_name(span: Any, operations: Mapping[str, str]) -> tuple[str | None, str | None]:
    """What a span is whose name begins with one of these words, and the rest of its name."""
    first, _, rest = span.name.partition(" ")
    operation = operations.get(first)
    return operation, (rest or None) if operation is not None else None


def go_where_ours_go() -> bool:
    """Whether metrics of libraries, which go to the program's provider, go where ours do."""
    run = runtime.current()
    return run is not None and run.meters() is metrics.get_meter_provider()


def meters(scope: str) -> Callable[[], None] | None:
    """This library records the conventions' metrics of its spans' model calls; what ends that.

    None where it records them elsewhere than ours go. Ours are then the cost alone.
    """
    if not go_where_ours_go():
        return None
    theirs.measuring.add(scope)
    return lambda: theirs.measuring.discard(scope)


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
    if above is not None:
        _inherit(span, getattr(parent, "attributes", None) or {})
    outer = around(held)
    own = None
    if native is not None:
        operation, name = native.begins(span)
        if operation in _SUMS:
            own = Scope(outer, name, operation == semconv.INVOKE_AGENT)
            if native.mirrors and own.agent is own:
                own.mirrored = ref(span)
        elif native.mirrors and operation in semconv.INFERENCE and outer is not None:
            # What goes out beneath it is the agent's own.
            outer.mirrored = outer.mirrored and ref(span)
    within = own or outer
    held_above = None if above is None else ref(parent)
    beneath[span] = Beneath(within, own, conversation, held_above)
    if native is not None and native.leaves_open and within is not None:
        if within.below is None:
            within.below = []
        within.below.append(ref(span))


def ending(run: Runtime, span: Any) -> None:
    """A span ends, and can still be written to. Unguarded."""
    native = watched.get(span.instrumentation_scope.name)
    held = beneath.get(span)
    if native is None or held is None:
        return
    present: Mapping[str, Any] = span._attributes or {}
    found = native.ends(span, present)
    if held.own is not None:
        if native.leaves_open:
            _end_all(span, held.own)
        sums: Attributes = {}
        held.own.close(sums, run.prices is not None)
        found.update(
            (name, value)
            for name, value in sums.items()
            if name not in present or (not native.counts and name in _COUNTS)
        )
        if native.mirrors and run.settings.capture.spans:
            _messages(run, span, held.own, present)
    if held.conversation is not None and present.get(semconv.CONVERSATION_ID) is not None:
        found[semconv.CONVERSATION_ID] = held.conversation
    if not span.status.is_ok and semconv.ERROR_TYPE not in present:
        found.update(_error(span))
    now = {**present, **found}
    better, gone = completing.complete(now)
    found.update(better)
    theirs.drop(span._attributes, gone)
    for name in gone:
        found.pop(name, None)
    title = completing.named(span, now)
    if title is not None:
        theirs.rename(span, title)
    if found:
        theirs.write(span, found)
    if span.name in native.again and held.scope is not None and held.scope.begun != held.begun:
        theirs.drop(span._attributes, [name for name in present if name.startswith(_USAGE)])


def _end_all(span: Any, own: Scope) -> None:
    """End what is open beneath an agent that ends: the innermost first."""
    scope = span.instrumentation_scope.name
    for held in reversed(own.below or ()):
        each = held()
        if each is None or each is span or not each.is_recording():
            continue
        if each.instrumentation_scope.name == scope:
            theirs.leave(each)
            each.end()


def _messages(run: Runtime, span: Any, own: Scope, present: Mapping[str, Any]) -> None:
    """What an agent was asked and what it answered, by its model calls."""
    told: Attributes = {}
    run.policy.render(own.asked or [], own.answer or [], [], [], told)
    theirs.put_content(span, {k: v for k, v in told.items() if k not in present})


def _inherit(span: Any, told: Mapping[str, Any]) -> None:
    """Who uses it, where only the span above says so: the program has told its framework."""
    present = span._attributes or {}
    for name in _WHOSE:
        if name in told and name not in present:
            span.set_attribute(name, told[name])


def belongs(span: Any, user_id: Any, conversation_id: Any = None) -> None:
    """A framework says for whom it runs: on ``span``, on what is above it there, and all below."""
    told = {semconv.USER_ID: user_id, semconv.CONVERSATION_ID: conversation_id}
    known = {n: unicode.clean(each) for n, each in told.items() if type(each) is str and each}
    here: Any = span if known else None
    while here is not None and (held := beneath.get(here)) is not None:
        present = here.attributes or {}
        here.set_attributes({n: each for n, each in known.items() if n not in present})
        here = None if held.above is None else held.above()


def current(scope: str) -> Any:
    """The current span, if it is one of this scope's that records and goes where ours go."""
    span: Any = get_current_span()
    made_by = getattr(span, "instrumentation_scope", None)
    run = runtime.current()
    if run is None or made_by is None or made_by.name != scope or not span.is_recording():
        return None
    return span if apart.belongs(span, run) else None


def tell(span: Any, *, arguments: Any = None, result: Any = None, system: Any = None) -> None:
    """Write what a room knows of a native span's content, if the policy lets it. Never raises."""
    try:
        run = runtime.current()
        recording = getattr(span, "is_recording", None)
        if run is None or recording is None or not recording():
            return
        if not run.captures(runtime.here()).spans:
            return
        present, told = span.attributes or {}, cast("Attributes", {})
        for name, value in (
            (semconv.TOOL_CALL_ARGUMENTS, arguments),
            (semconv.TOOL_CALL_RESULT, result),
        ):
            if value is not None and name not in present:
                run.policy.value(name, values.plain(value), told)
        text = values.words(system) if issubclass(type(system), str) else None
        if text and semconv.SYSTEM_INSTRUCTIONS not in present:
            run.policy.render([], [], [{"type": "text", "content": text}], [], told)
        theirs.put_content(span, told)
    except Exception:
        guard.failed("natives.tell")


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
