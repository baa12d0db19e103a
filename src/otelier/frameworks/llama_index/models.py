"""Models: where no SDK's hook has seen the call (a fake one, a local one), it has its span here."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from otelier import deferred, guard, model_runs, statics
from otelier.frameworks import models
from otelier.frameworks.llama_index import classes, messages, seen
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.models import Told
from otelier.frameworks.steps import Run
from otelier.model_runs import ModelRun

# Models that are others around another one, which is seen for itself.
_WRAPPERS: Final = ("StructuredLLM", "LangChainLLM")
# Streams that are never read must not pile up.
_MOST: Final = 10_000
# Those that are gone may still say that they were left: an asynchronous one is closed later, when
# its event loop comes to it. Of more than a few, those are forgotten that have been so for long.
_FEW: Final = 32
_LONG: Final = 60.0


class Asking:
    """One run of a model."""

    __slots__ = ("__weakref__", "arguments", "gone", "id", "model", "owner", "stream")

    def __init__(self, entered: Entered, model: ModelRun) -> None:
        self.id = entered.id
        self.owner = entered.owner
        self.arguments = entered.arguments
        self.model = model
        # The generator that is to be read, as long as somebody has it.
        self.stream: weakref.ref[Any] | None = None
        # When it was let go of.
        self.gone = 0.0

    @property
    def runs(self) -> bool:
        """Whether the model's own code runs just now, so that what is asked is asked by it."""
        if seen.runs.of(self.id) is not None:
            return True
        stream = None if self.stream is None else self.stream()
        return bool(getattr(stream, "gi_running", False) or getattr(stream, "ag_running", False))

    def over(
        self,
        response: Any,
        error: BaseException | None = None,
        ended: tuple[float, int] | None = None,
    ) -> None:
        """The model has answered, or has not; ``ended`` when, if that was not now."""
        if self.model.seen:
            # Nothing is made of what somebody else has seen: nothing has to be looked for.
            models.over(self.model, Told())
            return
        told = messages.told(self.owner, self.arguments, response)
        models.over(self.model, told, error, ended=ended)


# What is known of the runs that somebody still has.
_own: Final[weakref.WeakKeyDictionary[ModelRun, weakref.ref[Asking]]] = weakref.WeakKeyDictionary()
# Those of which a stream is to be read.
_streams: Final[OrderedDict[str, Asking]] = OrderedDict()
# Those whose stream is gone: of one that was being read, the framework says so after that.
_gone: Final[OrderedDict[str, Asking]] = OrderedDict()


def begin(entered: Entered) -> Run | None:
    """A model is asked. What it asks itself for its answer is the same run."""
    if any(classes.is_a(entered.owner, name) for name in _WRAPPERS):
        return None
    outer = _outer()
    if outer is not None:
        if outer.owner is entered.owner:
            return None
        # One that asks another has no answer of its own.
        outer.model.seen = True
    model = models.begin()
    if model is None:
        return None
    run = seen.pass_by(entered, _returned, _raised)
    if run is not None:
        run.more.held = asking = Asking(entered, model)
        _own[model] = weakref.ref(asking)
    return run


def _outer() -> Asking | None:
    """The run of a model of the framework's inside of which this is, if nobody has seen it."""
    around = model_runs.mark.get()
    if around is None or around.seen:
        return None
    held = _own.get(around)
    asking = None if held is None else held()
    return asking if asking is not None and asking.runs else None


def _returned(run: Run, result: Any) -> None:
    asking: Asking = run.more.held
    if not statics.iterates(result):
        asking.over(result)
        return
    # The call may be made only when the stream is read.
    _streams[asking.id] = asking
    while len(_streams) > _MOST:
        _forget_oldest(_streams)
    name = asking.id
    asking.stream = weakref.ref(result, lambda _: _dropped(name))


def _raised(run: Run, error: BaseException | None) -> None:
    asking: Asking = run.more.held
    asking.over(None, error)


def _dropped(stream: str) -> None:
    """Nobody reads it any more; runs where the garbage collector does, before it is closed."""
    asking = _streams.pop(stream, None)
    if asking is None or asking.model.seen:
        return
    # No later call in the same place is taken for this one's.
    asking.model.seen = True
    asking.gone = monotonic()
    _gone[stream] = asking
    while len(_gone) > _FEW and _says_no_more(asking.gone - _LONG):
        _forget_oldest(_gone)


def _says_no_more(long_ago: float) -> bool:
    """Whether the oldest of those that are gone has been for long, or there are too many."""
    try:
        return next(iter(_gone.values())).gone <= long_ago or len(_gone) > _MOST
    except (RuntimeError, StopIteration):
        return False  # Another thread is at it: the next one makes up for it.


def _forget_oldest(held: OrderedDict[str, Asking]) -> None:
    try:
        held.popitem(last=False)
    except KeyError:
        pass  # Another thread has.


def _read(event: Any) -> None:
    _over(event, statics.member(event, "response"), None)


def _failed(event: Any) -> None:
    error = statics.member(event, "exception")
    _over(event, None, error if isinstance(error, BaseException) else None)


def _over(event: Any, response: Any, error: BaseException | None) -> None:
    name = statics.member(event, "span_id")
    asking = _streams.pop(name, None)
    if asking is None:
        asking = _gone.pop(name, None)
        if asking is None:
            return
        # Nobody had seen it when it was left.
        asking.model.seen = False
        if deferred.inside_telemetry():
            now = model_runs.now()
            deferred.defer(lambda: _later(asking, response, error, now))
            return
    asking.over(response, error)


def _later(
    asking: Asking, response: Any, error: BaseException | None, ended: tuple[float, int]
) -> None:
    try:
        asking.over(response, error, ended)
    except Exception:
        guard.failed("llama_index.left")


# What the framework says at the end of a stream.
ENDS: Final[dict[str, Callable[[Any], None]]] = {
    "LLMChatEndEvent": _read,
    "LLMCompletionEndEvent": _read,
    "ExceptionEvent": _failed,
}


def forget() -> None:
    """Forget the streams that are not read."""
    _streams.clear()
    _gone.clear()
