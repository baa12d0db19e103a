"""The tracer of Pydantic AI's spans: adds what they lack, where they begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, Tracer

from otelier import context as ctx
from otelier import guard, runtime, semconv, statics
from otelier.frameworks import lent
from otelier.frameworks.pydantic_ai import older, policy
from otelier.returned import leave
from otelier.runtime import Runtime

_LATER: Final = ("ApprovalRequired", "CallDeferred", "SkipToolExecution")


class Completing(Tracer):
    """A tracer around that of Pydantic AI's settings. Programs use it, too (``ctx.tracer``)."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        if name == "_tracer":  # Of a copy that is being made.
            raise AttributeError(name)
        return getattr(self._tracer, name)

    def start_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, *more: Any, **options: Any
    ) -> Any:
        """A span that its caller makes current and ends."""
        try:
            name, attributes = older.named(name, options.get("attributes") or {})
            if semconv.OPERATION_NAME in attributes:
                _, attributes = _told(attributes, context)
                options["attributes"] = attributes
        except Exception:
            guard.failed("pydantic_ai.span")
        return self._tracer.start_span(name, context, *more, **options)

    def start_as_current_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, *more: Any, **options: Any
    ) -> Any:
        """A span that is current in its block."""
        try:
            found = None if more else self._completed(name, context, options)
            if found is not None:
                return found
        except Exception:
            guard.failed("pydantic_ai.span")
        return self._tracer.start_as_current_span(name, context, *more, **options)

    def _completed(
        self, name: str, context: Context | None, options: dict[str, Any]
    ) -> AbstractContextManager[Span] | None:
        run = runtime.current()
        attributes = options.get("attributes") or {}
        if run is None:
            return None
        if older.around_tools(name, attributes) and not run.settings.framework_steps:
            return nullcontext(INVALID_SPAN)
        name, attributes = older.named(name, attributes)
        operation = attributes.get(semconv.OPERATION_NAME)
        if operation is None:
            return None
        inside, attributes = _told(attributes, context)
        if context is None and operation == semconv.INVOKE_AGENT:
            inside = policy.decided(run, inside)
        options = {**options, "attributes": attributes}
        return self._open(run, name, context, options, inside)

    @contextmanager
    def _open(
        self,
        run: Runtime,
        name: str,
        context: Context | None,
        options: dict[str, Any],
        inside: Context,
    ) -> Iterator[Span]:
        outer = ctx.attach(inside) if context is None and inside is not ctx.current() else None
        try:
            opened = self._tracer.start_as_current_span(name, context=context, **options)
            with opened as span:
                begun = runtime.here()
                handle = lent.lend(span, begun, options["attributes"])
                if options["attributes"][semconv.OPERATION_NAME] in semconv.INFERENCE:
                    lent.passes(span, begun)
                token = None if handle is None else handle.enter()
                error: BaseException | None = None
                try:
                    yield span
                except BaseException as raised:
                    error = _raised(raised)
                    if error is not None:
                        told = options.get("set_status_on_exception", True)
                        lent.failed(span, error, told)
                    raise
                finally:
                    leave(token)
                    older.result(span)
                    policy.keep(run, span, begun)
                    if handle is not None:
                        lent.close(handle, error)
        finally:
            leave(outer)


def _told(attributes: dict[str, Any], context: Context | None) -> tuple[Context, dict[str, Any]]:
    """Where the span begins, with its conversation; and its attributes."""
    here = ctx.current() if context is None else context
    inside, conversation = lent.within(here, attributes.get(semconv.CONVERSATION_ID))
    if conversation is not None:
        attributes = {**attributes, semconv.CONVERSATION_ID: conversation}
    return inside, attributes


def _raised(error: BaseException) -> BaseException | None:
    """What a tool has raised, of what Pydantic AI makes of that to ask the model again.

    None for its words for a tool that somebody else runs later.
    """
    module, name = statics.identity(type(error))
    if module != "pydantic_ai.exceptions":
        return error
    if name == "ToolRetryError":
        return error.__cause__ or error.__context__ or error
    return None if name in _LATER else error
