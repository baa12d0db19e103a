"""OpenTelemetry context: our keys, and attaching without noise.

The public ``detach`` logs an error when a context was left in another task or thread, which is
common where frameworks drop coroutines. Ours is quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span, set_span_in_context

CALL: Final = otel_context.create_key("otelier-call")
# The innermost agent or workflow, which sums up what is used in it.
SCOPE: Final = otel_context.create_key("otelier-scope")
# An SDK's hook has looked at the request that is made, whether or not it is a call.
SEEN: Final = otel_context.create_key("otelier-seen")
# Where content may go here, at most (:class:`otelier.capturing.capture`).
CAPTURE: Final = otel_context.create_key("otelier-capture")
# The scopes around the code that runs, each with its owner: a context may be another place's (that
# of a generator that is read here, of a runner that was made elsewhere), these never are.
around: Final[ContextVar[tuple[tuple[Any, Any], ...]]] = ContextVar("otelier-around", default=())
# The prompt that model calls here are made with (:class:`otelier.prompts.Named`).
PROMPT: Final = otel_context.create_key("otelier-prompt")
SESSION: Final = otel_context.create_key("otelier-session")
# The innermost declared step, or tool of an SDK's runner, that is open.
STEP: Final = otel_context.create_key("otelier-step")
# The innermost span of ours, and the span that is current where ours are not.
_OURS: Final = otel_context.create_key("otelier-ours")

# Where OpenTelemetry keeps the current span in a context.
(_SPAN,) = set_span_in_context(INVALID_SPAN, Context())

# In the place of a context whose span has ended: nothing of ours waits for the garbage collector.
NOWHERE: Final = Context()

_SUPPRESS: Final = getattr(
    otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"
)
_SUPPRESS_PLAIN: Final = "suppress_instrumentation"
_RUNTIME: Any = getattr(otel_context, "_RUNTIME_CONTEXT", None)

# OpenTelemetry's own functions only hand on to these.
current: Callable[[], Context] = getattr(_RUNTIME, "get_current", otel_context.get_current)
attach: Callable[[Context], Token[Context]] = getattr(_RUNTIME, "attach", otel_context.attach)


def span_in(context: Context) -> Span:
    """The span that is current in ``context``; INVALID_SPAN where there is none."""
    return context.get(_SPAN, INVALID_SPAN)  # type: ignore[return-value]


def suppressed(context: Context) -> bool:
    """Whether the user asked for no instrumentation here."""
    return bool(context.get(_SUPPRESS) or context.get(_SUPPRESS_PLAIN))


def unseen(context: Context) -> Context:
    """``context`` in which nothing of ours is made."""
    return with_value(context, _SUPPRESS_PLAIN, True)


def with_value(context: Context, key: str, value: Any) -> Context:
    """``context`` with one more entry."""
    return otel_context.set_value(key, value, context)


def with_span(span: Span, context: Context, key: str | None = None, value: Any = None) -> Context:
    """``context`` with ``span`` current, and optionally one more entry."""
    current = span_in(context)
    held: Any = context.get(_OURS)
    outer = held[1] if held is not None and held[0] is current else current
    inner = {**context, _SPAN: span, _OURS: (span, outer)}
    if key is not None:
        inner[key] = value
    return Context(inner)


def outside(context: Context) -> Context:
    """``context`` as it is without spans of ours."""
    held: Any = context.get(_OURS)
    if held is None or held[0] is not get_current_span(context):
        return context
    return set_span_in_context(held[1], context)


class Use:
    """One use of an object that several tasks and threads may share at once."""

    __slots__ = ("inner", "token", "what")

    def __init__(self, token: Token[Context] | None, what: Any = None) -> None:
        """It was made current by ``token``, and is still; ``what`` stands for it."""
        self.token = token
        self.inner = current()
        self.what = what


def leave(held: list[Use]) -> Use | None:
    """Leave one of the uses of an object, and give it.

    The one that is current here; else the last one that was entered here, whatever was left behind
    in it; else the last one.
    """
    here = current()
    # Others come and go meanwhile.
    uses = held[::-1]
    mine = next((use for use in uses if use.inner is here), None)
    if mine is not None:
        if mine.token is not None:
            detach(mine.token)
    elif uses:
        mine = next((use for use in uses if _left(use.token)), uses[0])
    if mine is not None:
        try:
            held.remove(mine)
        except ValueError:
            pass
    return mine


def _left(token: Token[Context] | None) -> bool:
    """Leave an attached context, if it was attached here."""
    if token is None or _RUNTIME is None:
        return False
    try:
        _RUNTIME.detach(token)
        return True
    except Exception:
        return False


def detach(token: Token[Context]) -> None:
    """Leave an attached context; quiet when it was attached elsewhere."""
    try:
        if _RUNTIME is not None:
            _RUNTIME.detach(token)
        else:
            otel_context.detach(token)
    except Exception:  # Left from another task or thread: nothing to restore there.
        pass
