"""Spans that somebody else made for a call of ours: which they are, and what they say."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakSet

from opentelemetry.trace import Span

from otelier import semconv

# One model call by other names: what counts as the same operation when spans are compared.
_SAME: Final = {semconv.GENERATE_CONTENT: semconv.CHAT, semconv.TEXT_COMPLETION: semconv.CHAT}
# What a span has that was made of the answer itself, by whichever names.
_TOLD: Final = (
    semconv.RESPONSE_FINISH_REASONS,
    "gen_ai.usage.",
    "llm.usage.",
    "llm.token_count.",
)

# Those that already carry one of our calls.
_enriched: WeakSet[Any] = WeakSet()


def made_for(operation: str, span: Span) -> bool:
    """Whether ``span``, which is current and not ours, is for the call that now begins."""
    if operation not in semconv.PRICED or not span.is_recording():
        return False
    present = getattr(span, "attributes", None)
    if not present:
        return False
    made = present.get(semconv.OPERATION_NAME)
    if made is None and present.get("openinference.span.kind") == "LLM":
        made = semconv.CHAT
    return _SAME.get(made, made) == _SAME.get(operation, operation) and span not in _enriched


def take(span: Span) -> None:
    """``span`` carries a call of ours from now on, and no other."""
    _enriched.add(span)


def told(span: Span) -> bool:
    """Whether a span that has ended says what came of its call."""
    present = getattr(span, "attributes", None) or ()
    return any(name.startswith(_TOLD) for name in present)


def measures(span: Span) -> bool:
    """Whether a span's library records the conventions' metrics itself."""
    scope = getattr(span, "instrumentation_scope", None)
    name = getattr(scope, "name", "") or ""
    return name.startswith("opentelemetry.")
