"""Generators: where no SDK's hook has seen the call (a local model), it has its span here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from weakref import WeakSet

from otelier import guard, model_runs, semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.haystack import messages, reading, running
from otelier.frameworks.models import Told
from otelier.model_runs import ModelRun
from otelier.semconv import Attributes
from otelier.usage import Usage

# How the names of generators end.
_NAME: Final = "Generator"
# Those that only hand over to others.
_WRAPPERS: Final = frozenset({"FallbackChatGenerator"})
_PARAMETERS: Final = (
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("top_p", semconv.REQUEST_TOP_P),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
    ("max_completion_tokens", semconv.REQUEST_MAX_TOKENS),
    ("max_new_tokens", semconv.REQUEST_MAX_TOKENS),
    ("seed", semconv.REQUEST_SEED),
)
# The runs of ours that are going on: one inside of another is that one's.
_open: Final[WeakSet[ModelRun]] = WeakSet()


class Asking:
    """One run of a generator; what it is asked with, and by whom."""

    __slots__ = ("_given", "_owner", "_run")

    def __init__(self, owner: Any, given: Mapping[str, Any], run: ModelRun) -> None:
        self._owner = owner
        self._given = given
        self._run = run
        _open.add(run)

    def over(self, result: Any, error: BaseException | None = None) -> None:
        """It has answered, or it has not. Never raises."""
        try:
            _open.discard(self._run)
            error, stopped = running.blamed(error), error is not None
            if stopped and error is None:
                # Nothing was asked: the program wants it to stop before.
                self._run.seen = True
            told = Told() if self._run.seen else _told(self._owner, self._given, result)
            models.over(self._run, told, error)
        except Exception:
            guard.failed("haystack.asked")


def generates(kind: type) -> bool:
    """Whether a class is one of what asks models, by its name."""
    return statics.name(kind).endswith(_NAME)


def is_one(component: Any) -> bool:
    """Whether a component asks a model, by what goes in and what comes out."""
    if "replies" not in reading.outputs(component):
        return False
    given = reading.inputs(component)
    return "messages" in given or "prompt" in given


def begin(owner: Any, given: Mapping[str, Any]) -> Asking | None:
    """A generator is asked; None where nothing is to be seen. Never raises."""
    try:
        if not running.shown() or not is_one(owner):
            return None
        if any(name in _WRAPPERS for name in reading.names(type(owner))):
            return None
        return ask(owner, given)
    except Exception:
        guard.failed("haystack.ask")
        return None


def ask(owner: Any, given: Mapping[str, Any]) -> Asking | None:
    """A model is asked here, for which ``owner`` stands."""
    outer = model_runs.mark.get()
    if outer is not None and outer in _open:
        # One that asks another has no answer of its own.
        outer.seen = True
    run = models.begin()
    return None if run is None else Asking(owner, given, run)


def _given(args: Any, kwargs: Any) -> Mapping[str, Any]:
    # The first one is the prompt, or the messages.
    return {"messages": args[0], **kwargs} if args else kwargs


def run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """Around ``run`` of a generator."""
    asking = begin(owner, _given(args, kwargs))
    if asking is None:
        return wrapped(*args, **kwargs)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(None, error)
        raise
    asking.over(result)
    return result


async def arun(wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any) -> Any:
    """Around ``run_async`` of one."""
    asking = begin(owner, _given(args, kwargs))
    if asking is None:
        return await wrapped(*args, **kwargs)
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(None, error)
        raise
    asking.over(result)
    return result


def model(owner: Any) -> str | None:
    """The model that a generator asks."""
    for name in ("model", "model_name"):
        found = reading.text(owner, name)
        if found is not None:
            return found
    local = wire.fields(statics.member(owner, "huggingface_pipeline_kwargs"))
    return wire.text(local.get("model"))


def _told(owner: Any, given: Mapping[str, Any], result: Any) -> Told:
    asked = given.get("messages")
    if asked is None:
        asked = given.get("prompt")
    found: Mapping[str, Any] = result if type(result) is dict else {}
    replies = wire.items(found.get("replies"))
    metas = [messages.meta(each) for each in replies if type(each) is not str]
    if not metas:
        metas = [each for each in wire.items(found.get("meta")) if type(each) is dict]
    first = metas[0] if metas else {}
    said = [each for each in replies if type(each) is str]
    reasons = [each.get("finish_reason") for each in metas]
    named, asks = first.get("model"), model(owner) or given.get("model")
    return Told(
        model=asks if type(asks) is str else None,
        asked=asked if type(asked) is str else messages.chat(asked),
        system=given.get("system_prompt") or reading.text(owner, "system_prompt"),
        tools=reading.definitions(given.get("tools")),
        parameters=_parameters(owner, given),
        answer=[{"role": "assistant", "content": each} for each in said] or messages.chat(replies),
        response_model=named if type(named) is str else None,
        finish_reasons=[each for each in reasons if type(each) is str],
        usage=_usage(wire.fields(first.get("usage"))),
    )


def _parameters(owner: Any, given: Mapping[str, Any]) -> Attributes:
    found: Attributes = {}
    for held in (statics.member(owner, "generation_kwargs"), given.get("generation_kwargs")):
        told = wire.fields(held)
        for name, attribute in _PARAMETERS:
            value = told.get(name)
            if type(value) is int or type(value) is float:
                found[attribute] = value
    return found


def _usage(counts: Mapping[str, Any]) -> Usage | None:
    read = wire.first_count(counts, "prompt_tokens", "input_tokens")
    wrote = wire.first_count(counts, "completion_tokens", "output_tokens")
    return None if read is None and wrote is None else Usage(input=read, output=wrote)
