"""Whether Pydantic AI may put content on its spans.

An agent's run is of one mind: its settings are asked again and again, and where two answers differ
it warns of a history that was changed. So the answer is that of its beginning; where less is
allowed at a span's end, the content is taken off again.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span

from otelier import context as ctx
from otelier import guard, runtime, their_content
from otelier.runtime import Runtime

# What was answered when the agent's run began that is around.
_DECIDED: Final = otel_context.create_key("otelier-pydantic-ai-content")
# What agents and deferred tools have besides content, and may hold some.
_MORE: Final = ("metadata", "pydantic_ai.tool.deferral.metadata")
_SCOPE: Final = "pydantic-ai"


def decided(run: Runtime, context: Context) -> Context:
    """``context``, in which an agent's run begins."""
    return ctx.with_value(context, _DECIDED, run.captures(runtime.narrowed(context)).spans)


def content(settings: Any) -> bool:
    """``settings.include_content``: asked whenever a span is about to get some."""
    try:
        known = ctx.current().get(_DECIDED)
        if known is not None:
            return bool(known)
        run = runtime.current()
        return run is not None and run.captures(runtime.here()).spans
    except Exception:
        guard.failed("pydantic_ai.content")
        return False


def keep(run: Runtime, span: Span, begun: Context) -> None:
    """Take content off a span that is about to end, if none may be there by now."""
    try:
        if run.captures(begun).spans:
            return
        held: Any = getattr(span, "_attributes", None)
        if held:
            their_content.drop(span, [*their_content.names(_SCOPE, held), *_MORE])
    except Exception:
        guard.failed("pydantic_ai.keep")
