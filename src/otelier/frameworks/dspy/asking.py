"""One call of a model, from when it is asked to its answer."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType
from typing import Any, Final

from otelier import guard, statics
from otelier.frameworks import models
from otelier.frameworks.dspy import leaving, running, telling
from otelier.frameworks.models import Told
from otelier.hooks.calling import argument
from otelier.hooks.stepping import Wrapper
from otelier.model_runs import ModelRun

# Where DSPy's own models are called, and where what all have in common is.
_BUILT_IN: Final = "dspy.clients.lm"
_BASE: Final = "dspy.clients.base_lm"


class Asking(models.Asking):
    """One call. Another one may be made inside, which has the span then."""

    # What DSPy writes into its history.
    entry: Any = None

    def enter(self) -> Any:
        """The model's own code runs."""
        # Not tokens: a coroutine that is dropped ends in another context.
        outer, leave = _here.get(), super().enter()
        _here.set(self)

        def left() -> None:
            _here.set(outer)
            leave()

        return left

    @property
    def run(self) -> ModelRun | None:
        """The run, as long as it is not over."""
        return self._run


_here: Final[ContextVar[Asking | None]] = ContextVar("otelier-dspy-asking", default=None)


def _around(told: Callable[[Any, Any, Any, Asking], Told | None]) -> tuple[Wrapper, Wrapper]:
    return models.around(told, running.shown, made=Asking, blame=leaving.blame, whole=True)


def _executed(_: Any, args: Any, kwargs: Any, asking: Asking) -> Told | None:
    """Of the one path of all calls, since 3.4: ``execute(lm, call)``."""
    lm, call = argument(args, kwargs, 0, "lm"), argument(args, kwargs, 1, "call")
    # Models of the program's own may use DSPy's cache, too.
    for held in (asking.answer, statics.member(asking.answer, "raw")):
        if statics.member(held, "cache_hit") is True:
            return None
    return telling.of_path(lm, call, asking.answer)


def _told(lm: Any, args: Any, kwargs: Any, asking: Asking) -> Told | None:
    """Of ``__call__`` and ``acall`` of a class of models."""
    entry = None if asking.answer is None else asking.entry
    return telling.of_call(lm, args, kwargs, asking.answer, entry)


def _unless_litellm(ours: Wrapper) -> Wrapper:
    def run(wrapped: Callable[..., Any], lm: Any, args: Any, kwargs: Any) -> Any:
        if _by_litellm(wrapped, lm):
            return wrapped(*args, **kwargs)
        return ours(wrapped, lm, args, kwargs)

    return run


# Retries, the cache, and whoever asks are in it.
executed, aexecuted = _around(_executed)
asked, aasked = map(_unless_litellm, _around(_told))


def noted(wrapped: Callable[..., Any], lm: Any, args: Any, kwargs: Any) -> Any:
    """What DSPy writes into its history is all that it knows of a call."""
    try:
        asking = _here.get()
        if asking is not None:
            asking.entry = argument(args, kwargs, 0, "entry")
    except Exception:
        guard.failed("dspy.history")
    return wrapped(*args, **kwargs)


def _by_litellm(wrapped: Any, lm: Any) -> bool:
    """Whether LiteLLM makes the call, or DSPy's cache answers it: nobody else has to show it."""
    try:
        path = getattr(wrapped, "__module__", None)
        if path != _BUILT_IN:
            function = statics.on_class(type(lm), "forward")
            built_in = type(function) is FunctionType and function.__module__ == _BUILT_IN
            if path != _BASE or not built_in:
                return False
        outer = _here.get()
        if outer is not None and outer.run is not None:
            # A model that is made of DSPy's own.
            outer.run.seen = True
        return True
    except Exception:
        guard.failed("dspy.model")
        return False
