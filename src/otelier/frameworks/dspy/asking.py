"""One call of a model, from when it is asked to its answer."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType
from typing import Any, Final

from otelier import guard, model_runs, statics
from otelier.frameworks import models
from otelier.frameworks.dspy import leaving, running, telling
from otelier.hooks.calling import argument
from otelier.model_runs import ModelRun

# Where DSPy's own models are called, and where what all have in common is.
_BUILT_IN: Final = "dspy.clients.lm"
_BASE: Final = "dspy.clients.base_lm"


class Asking:
    """One call. Another one may be made inside, which has the span then."""

    __slots__ = ("around", "entry", "outer", "run")

    def __init__(self) -> None:
        self.around: ModelRun | None = model_runs.mark.get()
        self.outer: Asking | None = _here.get()
        self.run = models.begin() if running.shown() else None
        # What DSPy writes into its history.
        self.entry: Any = None
        # Not a token: a coroutine that is dropped ends in another context.
        _here.set(self)

    def over(self, tell: Callable[[], Any], error: BaseException | None = None) -> None:
        """It is answered, or has failed; ``tell`` gives what is known, None if nobody was asked."""
        try:
            _here.set(self.outer)
            run = self.run
            if run is None:
                return
            told = None if run.seen else tell()
            if told is None:
                run.seen = True
            models.over(run, told or telling.Told(), error and leaving.blame(error))
            if self.around is not None and not self.around.seen:
                self.around.seen = True
                model_runs.mark.set(self.around)
        except Exception:
            guard.failed("dspy.model")


_here: Final[ContextVar[Asking | None]] = ContextVar("otelier-dspy-asking", default=None)


def _begun() -> Asking | None:
    try:
        return Asking()
    except Exception:
        guard.failed("dspy.model")
        return None


# --- the one path of all calls, since 3.4 --------------------------------------------------------


def executed(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """Around ``execute(lm, call)``: retries, the cache, and whoever asks are in it."""
    asking = _begun()
    if asking is None:
        return wrapped(*args, **kwargs)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(lambda: _executed(args, kwargs, None), error)
        raise
    asking.over(lambda: _executed(args, kwargs, result))
    return result


async def aexecuted(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """The same, asynchronous."""
    asking = _begun()
    if asking is None:
        return await wrapped(*args, **kwargs)
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(lambda: _executed(args, kwargs, None), error)
        raise
    asking.over(lambda: _executed(args, kwargs, result))
    return result


def _executed(args: Any, kwargs: Any, result: Any) -> telling.Told | None:
    lm, call = argument(args, kwargs, 0, "lm"), argument(args, kwargs, 1, "call")
    # Models of the program's own may use DSPy's cache, too.
    for held in (result, statics.member(result, "raw")):
        if statics.member(held, "cache_hit") is True:
            return None
    return telling.of_path(lm, call, result)


# --- each class of models ------------------------------------------------------------------------


def asked(wrapped: Callable[..., Any], lm: Any, args: Any, kwargs: Any) -> Any:
    """Around ``__call__`` of a model."""
    asking = None if _by_litellm(wrapped, lm) else _begun()
    if asking is None:
        return wrapped(*args, **kwargs)
    try:
        outputs = wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(lambda: telling.of_call(lm, args, kwargs, None, None), error)
        raise
    asking.over(lambda: telling.of_call(lm, args, kwargs, outputs, asking.entry))
    return outputs


async def aasked(wrapped: Callable[..., Any], lm: Any, args: Any, kwargs: Any) -> Any:
    """Around ``acall`` of a model."""
    asking = None if _by_litellm(wrapped, lm) else _begun()
    if asking is None:
        return await wrapped(*args, **kwargs)
    try:
        outputs = await wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(lambda: telling.of_call(lm, args, kwargs, None, None), error)
        raise
    asking.over(lambda: telling.of_call(lm, args, kwargs, outputs, asking.entry))
    return outputs


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
