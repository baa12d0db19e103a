"""Spans that somebody else made for a call of ours: which they are, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet, ref

from opentelemetry.trace import Span

from otelier import guard, leaving, semconv
from otelier.runtime import SCOPE
from otelier.semconv import Attributes

# One model call by other names: what counts as the same operation when spans are compared.
_SAME: Final = {semconv.GENERATE_CONTENT: semconv.CHAT, semconv.TEXT_COMPLETION: semconv.CHAT}
# How spans of model calls are marked that have no operation.
_MODELS: Final = ((semconv.OPENINFERENCE_KIND, "LLM"), ("langfuse.observation.type", "generation"))
# Instrumentation scopes whose spans that name a model, and no operation yet, are of its calls.
_NAMING: Final = frozenset({"logfire.openai_agents"})
# What a span has that was made of the answer itself, by whichever names.
_TOLD: Final = (
    semconv.RESPONSE_FINISH_REASONS,
    "gen_ai.usage.",
    "llm.usage.",
    "llm.token_count.",
)

# Those that already carry one of our calls, and which.
enriched: WeakKeyDictionary[Any, ref[Any]] = WeakKeyDictionary()
# What content such a call has written there.
_contents: WeakKeyDictionary[Any, Attributes] = WeakKeyDictionary()
# Instrumentation scopes whose library records the conventions' metrics, to where ours go.
measuring: Final[set[str]] = set()
# Those of tools that are a declared step's as well.
_lent: WeakSet[Any] = WeakSet()


def is_model_call(present: Mapping[str, Any]) -> bool:
    """Whether a span without an operation is marked as a model call's by its attributes."""
    return any(present.get(name) == kind for name, kind in _MODELS)


def made_for(operation: str, span: Span) -> bool:
    """Whether ``span``, which is current, not ours and recording, is for the call that begins."""
    if operation not in semconv.PRICED:
        return False
    present = getattr(span, "attributes", None)
    if not present:
        return False
    made = present.get(semconv.OPERATION_NAME)
    if made is None and (
        is_model_call(present) or (semconv.REQUEST_MODEL in present and _scope(span) in _NAMING)
    ):
        made = semconv.CHAT
    same = _SAME.get(made, made) == _SAME.get(operation, operation)
    # One that says already what came of a call, as a program's span into which LiteLLM's callback
    # has written, is not for the one that begins.
    return same and span not in enriched and not told(span)


def tool_run(span: Span, names: tuple[str | None, ...]) -> bool:
    """Whether ``span``, which is current, is somebody's for the run of a tool of these names.

    SDKs whose own telemetry is on have one for each tool that their runners execute.
    """
    scope = getattr(span, "instrumentation_scope", None)
    if scope is None or scope.name == SCOPE or not span.is_recording() or span in _lent:
        return False
    present: Any = getattr(span, "attributes", None) or {}
    named = present.get(semconv.TOOL_NAME)
    made = present.get(semconv.OPERATION_NAME)
    return made == semconv.EXECUTE_TOOL and named is not None and named in names


def lend(span: Span) -> None:
    """``span`` is a declared tool's from now on, and no other's."""
    _lent.add(span)


def take(span: Any, call: Any, asked: Attributes) -> None:
    """``span`` carries ``call`` from now on, and no other; and what was ``asked``, if it does not.

    Frameworks tell of the request what they know: often neither who is to answer nor where.
    """
    enriched[span] = ref(call)
    try:
        # A program without spans of others pays nothing for them.
        from otelier import completing

        present = getattr(span, "attributes", None) or {}
        span.set_attributes(completing.lacking(present, asked))
        name = completing.named(span, {**asked, **present})
        if name is not None:
            span.update_name(name)
    except Exception:
        guard.failed("theirs.take")


def correct(span: Any, asked: Attributes, assumed: str, found: str) -> None:
    """Who answered shows only in the answer; on ``span`` is what was ``assumed``."""
    present = getattr(span, "attributes", None) or {}
    if present.get(semconv.PROVIDER_NAME) == assumed:
        write(span, {semconv.PROVIDER_NAME: found})
    asked[semconv.PROVIDER_NAME] = found


def ending(span: Any) -> None:
    """``span`` is about to end, and can still be written to: so it is for a call that has ended."""
    held = enriched.get(span)
    call = None if held is None else held()
    if call is not None:
        call.outlasted()


def leave(span: Any) -> None:
    """The call for which ``span`` is, if it goes on, is left: the span is about to end."""
    held = enriched.get(span)
    call = None if held is None else held()
    if call is not None:
        call.outlasted(leaving.ABANDONED)


def is_ours(span: Any, name: str, value: Any) -> bool:
    """Whether we have put this content on ``span``, by the policy."""
    known = _contents.get(span)
    return known is not None and known.get(name) == value


def put_content(span: Any, found: Attributes) -> None:
    """Write content that has been through the policy."""
    if found:
        _contents[span] = {**_contents.get(span, {}), **found}
        write(span, found)


def decided(span: Any) -> bool:
    """Whether a call of ours has said what ``span`` cost, or that nobody knows."""
    held = enriched.get(span)
    if held is None:
        return False
    call = held()
    return call is None or (bool(call.ended) and not call.unpriced)


def write(span: Any, attributes: Attributes) -> None:
    """Write to somebody else's span, also while it ends.

    Then it takes no more by its own methods, but is not out yet.
    """
    attributes = _fitting(getattr(span, "_attributes", None), attributes)
    recording = getattr(span, "is_recording", None)  # What an old SDK gives at the end has none.
    if recording is not None and recording():
        span.set_attributes(attributes)
    else:
        put(span._attributes, attributes)


def _fitting(held: Any, attributes: Attributes) -> Attributes:
    """What a span takes: at its limit, each more would push out one of what it says itself."""
    limit: int | None = getattr(held, "maxlen", None)
    if limit is None or len(held) + len(attributes) <= limit:
        return attributes
    new = [name for name in attributes if name not in held]
    out = frozenset(new[max(limit - len(held), 0) :])
    held.dropped += len(out)
    return {name: value for name, value in attributes.items() if name not in out}


def put(held: Any, attributes: Attributes) -> None:
    """Write to attributes that are frozen."""
    if not attributes:
        return
    held._immutable = False
    try:
        for name, value in attributes.items():
            held[name] = value
    finally:
        held._immutable = True


def drop(held: Any, names: list[str]) -> None:
    """Take away from attributes, which may be frozen."""
    frozen = getattr(held, "_immutable", False)
    held._immutable = False
    try:
        for name in names:
            if name in held:
                del held[name]
    finally:
        held._immutable = frozen


def rename(span: Any, name: str) -> None:
    """Give somebody else's span another name, also while it ends."""
    if span.is_recording():
        span.update_name(name)
    else:
        span._name = name


def withdraw(span: Any) -> None:
    """Take content off a span that has not ended: it was put there before less was allowed."""
    held = getattr(span, "_attributes", None)
    if held is None:
        return
    variables = [name for name in held if name.startswith(semconv.PROMPT_VARIABLE)]
    drop(held, [*semconv.CONTENT_ATTRIBUTES, *semconv.OPENINFERENCE_CONTENT, *variables])


def told(span: Span) -> bool:
    """Whether a span that has ended says what came of its call."""
    present = getattr(span, "attributes", None) or ()
    return any(name.startswith(_TOLD) for name in present)


def over(span: Span, how: str | None, used: Any) -> bool:
    """Whether there is nothing to add about a call whose span has ended before it.

    Whoever made the span has read the answer; or the answer was left (``how``) before it was told
    what was used.
    """
    return told(span) or (how is not None and used is None)


def measures(span: Span) -> bool:
    """Whether a span's library records the conventions' metrics itself."""
    name = _scope(span)
    return name.startswith("opentelemetry.") or name in measuring


def _scope(span: Span) -> str:
    scope = getattr(span, "instrumentation_scope", None)
    return getattr(scope, "name", "") or ""
