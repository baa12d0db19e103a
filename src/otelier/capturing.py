"""Less content for a part of a program: privacy that is asked for where it is needed."""

from __future__ import annotations

from contextvars import Token
from typing import Literal

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, setting_texts, tightening
from otelier.setting_texts import Capture


class capture:  # noqa: N801 - used as a function
    """Where the content of model calls and steps that begin inside may go, at most.

    ``with otelier.capture("NO_CONTENT"):`` (or ``async with``), with the values of
    ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT``; ``False`` is ``NO_CONTENT``. It tightens
    what is in force around it, and never loosens that: inside ``NO_CONTENT`` nothing else is of any
    effect. It holds in threads and tasks that inherit the context, for a stream until it ends, and
    for what an agent around tells of the calls inside. Counts, ids, tokens and cost are recorded as
    usual. A value that is none is a ``ValueError``: misspelt privacy must not pass for privacy.
    """

    __slots__ = ("_held", "_mode")

    def __init__(
        self,
        mode: Capture | Literal["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"] | bool,
        /,
    ) -> None:
        try:
            self._mode: Capture = setting_texts.capture(setting_texts.of(mode))
        except Exception:
            raise ValueError(
                "capture() takes NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, True or False"
            ) from None
        self._held: list[tuple[Token[Context] | None, Context | None]] = []

    def __enter__(self) -> capture:
        token, inner = None, None
        try:
            held = ctx.current()
            outer: Capture | None = held.get(ctx.CAPTURE)  # type: ignore[assignment]
            mode = self._mode if outer is None else tightening.capture(outer, self._mode)
            inner = ctx.with_value(held, ctx.CAPTURE, mode)
            token = ctx.attach(inner)
        except Exception:
            guard.failed("capture.enter")
        self._held.append((token, inner))
        return self

    def __exit__(self, *exception: object) -> None:
        ctx.leave(self._held)

    async def __aenter__(self) -> capture:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()
