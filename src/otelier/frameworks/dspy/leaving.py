"""Errors that are none: DSPy's word for a reader of a stream who has gone."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from otelier import statics

# A program that is streamed goes on in its thread, and finds nobody to give the next piece to.
_GONE: Final = frozenset(
    ("anyio", name) for name in ("BrokenResourceError", "ClosedResourceError", "RunFinishedError")
)
_MOST: Final = 8


class Gone(GeneratorExit):
    """Nobody reads it any longer: it was left, and has not failed."""


def blame(error: BaseException) -> BaseException:
    """The error, or that it was left, if this is why."""
    cause: BaseException | None = error if _streams() else None
    for _ in range(_MOST):
        if cause is None:
            break
        module, name = statics.identity(type(cause))
        if (module.partition(".")[0], name) in _GONE:
            return Gone()
        cause = cause.__cause__ or cause.__context__
    return error


def _streams() -> bool:
    """Whether what runs here is read as a stream."""
    held: Any = statics.loaded("dspy.dsp.utils.settings", "thread_local_overrides")
    settings: Any = held.get({}) if type(held) is ContextVar else None
    return issubclass(type(settings), dict) and settings.get("send_stream") is not None
