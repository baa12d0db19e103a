"""Models: where no SDK's hook has seen the call (a fake one, a local one), it has its span here."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from otelier import model_runs, statics
from otelier.frameworks import models
from otelier.frameworks.llama_index import messages, seen
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.models import Told
from otelier.frameworks.steps import Run
from otelier.model_runs import ModelRun

# Streams that are never read must not pile up.
_MOST: Final = 10_000


class Asking:
    """One run of a model."""

    __slots__ = ("arguments", "gone", "id", "model", "owner")

    def __init__(self, entered: Entered, model: ModelRun) -> None:
        self.id = entered.id
        self.owner = entered.owner
        self.arguments = entered.arguments
        self.model = model
        # Of a stream: who tells that nobody reads it any more.
        self.gone: Any = None

    def over(self, response: Any, error: BaseException | None = None) -> None:
        """The model has answered, or has not."""
        if self.model.seen:
            # Nothing is made of what somebody else has seen: nothing has to be looked for.
            models.over(self.model, Told())
            return
        models.over(self.model, messages.told(self.owner, self.arguments, response), error)


# Those of which a stream is to be read.
_streams: Final[OrderedDict[str, Asking]] = OrderedDict()


def begin(entered: Entered) -> Run | None:
    """A model is asked. What it asks itself for its answer is the same run."""
    around: Any = model_runs.mark.get()
    if around is not None and not around.seen and around in _own and _own[around] is entered.owner:
        return None
    model = models.begin()
    if model is None:
        return None
    run = seen.pass_by(entered, _returned, _raised)
    if run is not None:
        _own[model] = entered.owner
        run.more.held = Asking(entered, model)
    return run


# Whose run it is.
_own: Final[weakref.WeakKeyDictionary[ModelRun, Any]] = weakref.WeakKeyDictionary()


def _returned(run: Run, result: Any) -> None:
    asking: Asking = run.more.held
    if not statics.iterates(result):
        asking.over(result)
        return
    # The call may be made only when the stream is read.
    _streams[asking.id] = asking
    while len(_streams) > _MOST:
        _streams.popitem(last=False)
    asking.gone = weakref.ref(result, lambda _: _dropped(asking.id))


def _raised(run: Run, error: BaseException | None) -> None:
    asking: Asking = run.more.held
    asking.over(None, error)


def _dropped(stream: str) -> None:
    """Nobody has read it; runs where the garbage collector does."""
    asking = _streams.pop(stream, None)
    if asking is not None:
        # No later call in the same place is taken for this one's.
        asking.model.seen = True


def _read(event: Any) -> None:
    _over(event, statics.member(event, "response"), None)


def _failed(event: Any) -> None:
    error = statics.member(event, "exception")
    _over(event, None, error if isinstance(error, BaseException) else None)


def _over(event: Any, response: Any, error: BaseException | None) -> None:
    asking = _streams.pop(statics.member(event, "span_id"), None)
    if asking is not None:
        asking.over(response, error)


# What the framework says at the end of a stream.
ENDS: Final[dict[str, Callable[[Any], None]]] = {
    "LLMChatEndEvent": _read,
    "LLMCompletionEndEvent": _read,
    "ExceptionEvent": _failed,
}


def forget() -> None:
    """Forget the streams that are not read."""
    _streams.clear()
