"""Less content for a part of a program: privacy that is asked for where it is needed."""

from __future__ import annotations

from typing import Literal

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import setting_texts, tightening
from otelier.around import Around
from otelier.setting_texts import Capture


class capture(Around):  # noqa: N801 - used as a function
    """Where the content of model calls and steps that begin inside may go, at most.

    ``with otelier.capture("NO_CONTENT"):``, ``async with``, or a decorator; the values are those of
    ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT``; ``False`` is ``NO_CONTENT``. It
    tightens what is in force around it, and never loosens that: inside ``NO_CONTENT`` nothing else
    is of any effect. It holds in threads and tasks that inherit the context, for a stream until it
    ends, and for what an agent around tells of the calls inside. Counts, ids, tokens and cost are
    recorded as usual. A value that is none is a ``ValueError``: misspelt privacy must not pass for
    privacy.
    """

    __slots__ = ("_mode",)

    def __init__(
        self,
        mode: Capture | Literal["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"] | bool,
        /,
    ) -> None:
        super().__init__()
        try:
            self._mode: Capture = setting_texts.capture(setting_texts.of(mode))
        except Exception:
            raise ValueError(
                "capture() takes NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, True or False"
            ) from None

    def _inside(self, held: Context) -> Context:
        return tightening.narrowed(held, self._mode)

    def _enter(self) -> None:
        ctx.around.set((*ctx.around.get(), (self, self._mode)))

    def _leave(self) -> None:
        scopes = ctx.around.get()
        for position in range(len(scopes) - 1, -1, -1):
            if scopes[position][0] is self:
                ctx.around.set((*scopes[:position], *scopes[position + 1 :]))
                return
