"""Generators: where no SDK's hook has seen the call (a local model), it has its span here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.haystack import messages, reading, running
from otelier.frameworks.models import Told
from otelier.hooks.stepping import around
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


class Asking(models.Asking):
    """One run of a generator. Where the program wants to stop before it, nobody was asked."""

    def end(self, error: BaseException | None = None) -> None:
        """It has answered, or has not."""
        raised = running.blamed(error)
        if raised is None and error is not None:
            self.left()
        else:
            super().end(raised)


def generates(kind: type) -> bool:
    """Whether a class is one of what asks models, by its name."""
    return statics.name(kind).endswith(_NAME)


def is_one(component: Any) -> bool:
    """Whether a component asks a model, by what goes in and what comes out."""
    if "replies" not in reading.outputs(component):
        return False
    given = reading.inputs(component)
    return "messages" in given or "prompt" in given


def begin(owner: Any, given: Mapping[str, Any]) -> models.Asking | None:
    """A generator is asked; None where nothing is to be seen."""
    if not is_one(owner) or any(name in _WRAPPERS for name in reading.names(type(owner))):
        return None
    return ask(owner, given)


def ask(owner: Any, given: Mapping[str, Any]) -> models.Asking | None:
    """A model is asked here, for which ``owner`` stands."""
    if not running.shown():
        return None
    return models.ask(lambda asking: _told(owner, given, asking.answer), Asking)


def _begin(owner: Any, args: Any, kwargs: Any) -> models.Asking | None:
    # The first one is the prompt, or the messages.
    return begin(owner, {"messages": args[0], **kwargs} if args else kwargs)


def _finish(asking: Any, result: Any) -> None:
    asking.answer = result


# Around ``run`` and ``run_async`` of a generator.
AROUND: Final = around(_begin, _finish)


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
