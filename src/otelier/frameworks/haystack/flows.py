"""The run of a pipeline, as a step: what it is called, asked and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from otelier import guard, pipeline, statics, wire
from otelier.frameworks.haystack import messages, reading, running
from otelier.handle import Handle, NoHandle

# By which name a component runs a pipeline of its own, and whether it is one of Haystack's.
naming: Final[ContextVar[tuple[int, str | None, bool] | None]] = ContextVar(
    "otelier-haystack-naming", default=None
)
# What of a pipeline's outputs is an answer; the first one counts.
_ANSWERS: Final = ("replies", "answers", "last_message", "messages")


class Flow(running.Running):
    """A pipeline's run."""

    __slots__ = ("generates", "last", "texts")

    # Whether the generator that it reads is still to be made.
    generates: bool
    # What its generator has given away last: at the end, all that came of it.
    last: Any
    # What has been embedded in it.
    texts: dict[tuple[Any, ...], str]

    def end(self, error: BaseException | None = None) -> None:
        """End the step, once."""
        if error is None and self.last is not None:
            try:
                finish(self, self.last)
            except Exception:
                guard.failed("haystack.last")
        super().end(error)


def begin(owner: Any, data: Any) -> Flow | None:
    """A pipeline's run begins here; None of one that only Haystack itself knows."""
    if not running.shown():
        return None
    name, hidden = _named(owner)
    if hidden:
        return None
    given = data if type(data) is dict else {}
    handle = running.begin(pipeline.workflow(name), Flow, reading.conversation(given))
    if not isinstance(handle, Flow):
        return None
    handle.generates, handle.last, handle.texts = False, None, {}
    try:
        if handle.wants_content and given:
            _asked(handle, given)
    except Exception:  # It is there, and has to end.
        guard.failed("haystack.asked")
    return handle


def _named(owner: Any) -> tuple[str | None, bool]:
    """What the program calls a pipeline, and whether it is hidden in a component of Haystack's."""
    told, kind = wire.fields(statics.member(owner, "metadata")), type(owner)
    around = naming.get()
    named, hidden = (around[1], around[2]) if around and around[0] == id(owner) else (None, False)
    own = None if reading.is_own(kind) else statics.name(kind)
    return wire.text(told.get("name")) or named or own, hidden


def _asked(handle: Handle, data: dict[str, Any]) -> None:
    """What goes in: by component, or by the names of inputs alone."""
    handle.set_arguments(data)
    flat: dict[str, Any] = {}
    for key, value in data.items():
        for name, given in value.items() if type(value) is dict else ((key, value),):
            flat.setdefault(name, messages.readable(given))
    handle.set_input(flat)


def finish(handle: Handle | NoHandle, result: Any) -> None:
    """What came of it."""
    if handle.wants_content and type(result) is dict and result:
        answer = _answer(result)
        if answer is None:
            handle.set_result(result)
        else:
            handle.set_output(answer)


def _answer(result: Mapping[str, Any]) -> Any:
    for name in _ANSWERS:
        for told in result.values():
            found = told.get(name) if type(told) is dict else None
            last = found[-1] if type(found) is list and found else found
            if type(last) is str:
                return last
            said = messages.chat([last]) if messages.is_message(last) else []
            if said:
                return said
            # An answer with the documents that it is from.
            text = reading.text(last, "data")
            if text is not None:
                return text
    return None


def hearing(handle: Handle | NoHandle) -> Callable[[Any], None] | None:
    """What hears what a generator gives away."""

    def hear(item: Any) -> None:
        if isinstance(handle, Flow):
            handle.last = item

    return hear if handle.wants_content else None
