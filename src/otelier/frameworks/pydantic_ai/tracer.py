"""The tracer of Pydantic AI's spans: adds what they lack, where they begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, Tracer

from otelier import context as ctx
from otelier import guard, runtime, semconv
from otelier.frameworks import lent
from otelier.frameworks.pydantic_ai import older
from otelier.returned import leave


class Completing(Tracer):
    """A tracer around that of Pydantic AI's settings. Programs use it, too (``ctx.tracer``)."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer, name)

    def start_span(self, name: str, context: Context | None = None, **options: Any) -> Any:  # type: ignore[override]
        """A span that its caller makes current and ends."""
        try:
            name, attributes = older.named(name, options.get("attributes") or {})
            if semconv.OPERATION_NAME in attributes:
                _, attributes, _ = _told(attributes, context)
                options["attributes"] = attributes
        except Exception:
            guard.failed("pydantic_ai.span")
        return self._tracer.start_span(name, context=context, **options)

    def start_as_current_span(
        self, name: str, context: Context | None = None, **options: Any
    ) -> Any:  # type: ignore[override]
        """A span that is current in its block."""
        try:
            found = self._completed(name, context, options)
            if found is not None:
                return found
        except Exception:
            guard.failed("pydantic_ai.span")
        return self._tracer.start_as_current_span(name, context=context, **options)

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
        if semconv.OPERATION_NAME not in attributes:
            return None
        inside, attributes, known = _told(attributes, context)
        options = {**options, "attributes": attributes}
        return self._open(name, context, options, inside if known else None)

    @contextmanager
    def _open(
        self, name: str, context: Context | None, options: dict[str, Any], inside: Context | None
    ) -> Iterator[Span]:
        outer = None if inside is None else ctx.attach(inside)
        try:
            opened = self._tracer.start_as_current_span(name, context=context, **options)
            with opened as span:
                handle = lent.lend(span, ctx.current(), options["attributes"])
                token = None if handle is None else handle.enter()
                error: BaseException | None = None
                try:
                    yield span
                except BaseException as raised:
                    error = _raised(raised)
                    lent.failed(span, error)
                    raise
                finally:
                    leave(token)
                    older.result(span)
                    if handle is not None:
                        lent.close(handle, error)
        finally:
            leave(outer)


def _told(
    attributes: dict[str, Any], context: Context | None
) -> tuple[Context, dict[str, Any], bool]:
    """Where the span begins, with its conversation; its attributes; whether it has one."""
    here = ctx.current() if context is None else context
    inside, conversation = lent.within(here, attributes.get(semconv.CONVERSATION_ID))
    if conversation is None:
        return here, attributes, False
    return inside, {**attributes, semconv.CONVERSATION_ID: conversation}, context is None


def _raised(error: BaseException) -> BaseException:
    """What a tool has raised, of what Pydantic AI makes of that to ask the model again."""
    cause = error.__cause__
    asks = type(error).__name__ == "ToolRetryError"
    return cause if asks and cause is not None else error
