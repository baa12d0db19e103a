"""Calls of models that no SDK's hook has seen: local models, clients of the program's own."""

from __future__ import annotations

from collections.abc import Callable
from types import AsyncGeneratorType
from typing import Any, Final

from otelier import guard, semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.models import Asking, Told
from otelier.frameworks.semantic_kernel import reading
from otelier.hooks.calling import argument
from otelier.usage import Usage

# What the framework calls a model by: ``(chat_history, settings)``.
WHOLE: Final = "_inner_get_chat_message_contents"
STREAM: Final = "_inner_get_streaming_chat_message_contents"
_PROVIDER: Final = "MODEL_PROVIDER_NAME"
_SETTINGS: Final = (
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("top_p", semconv.REQUEST_TOP_P),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
)


def looked(service: Any, name: str, function: Any) -> Any:
    """A method of a service; those that ask a model with a span where nobody else has one."""
    if name == WHOLE:
        return lambda *args, **kwargs: _ASKED(function, service, args, kwargs)
    return _streamed(service, function) if name == STREAM else function


def _streamed(service: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        if type(inner) is not AsyncGeneratorType:
            return inner
        return _STREAMED(lambda *args, **kwargs: inner, service, args, kwargs)

    return run


def _told(service: Any, args: Any, kwargs: Any, asking: Asking) -> Told:
    history = statics.storage(argument(args, kwargs, 0, "chat_history"))
    settings = argument(args, kwargs, 1, "settings")
    provider = statics.on_class(type(service), _PROVIDER)
    told = Told(
        provider=provider if type(provider) is str else None,
        model=reading.string(settings, "ai_model_id") or reading.string(service, "ai_model_id"),
        asked=reading.chat(history.get("messages") or ()),
        parameters=models.parameters(settings, _SETTINGS),
    )
    answers = _joined(asking.pieces) or list(wire.items(asking.answer or ()))
    told.answer = reading.chat(answers)
    told.finish_reasons = [_reason(each) for each in answers]
    for each in answers:
        more = statics.storage(each).get("metadata")
        if type(more) is dict:
            told.response_id = told.response_id or _text(more.get("id"))
            told.usage = told.usage or _usage(more.get("usage"))
    return told


def _reason(message: Any) -> str | None:
    reason = statics.storage(message).get("finish_reason")
    return _text(statics.storage(reason).get("_value_", reason))


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _usage(told: Any) -> Usage | None:
    held = statics.storage(told)
    read, wrote = held.get("prompt_tokens"), held.get("completion_tokens")
    if type(read) is not int and type(wrote) is not int:
        return None
    return Usage(
        input=read if type(read) is int else None, output=wrote if type(wrote) is int else None
    )


def _joined(chunks: list[Any]) -> list[Any]:
    """The messages that pieces are of: of each answer, its pieces added as the framework does."""
    joined: dict[Any, Any] = {}
    try:
        for several in chunks:
            for piece in wire.items(several):
                index = statics.storage(piece).get("choice_index")
                joined[index] = joined[index] + piece if index in joined else piece
    except Exception:
        guard.failed("semantic_kernel.pieces")
    return list(joined.values())


_STREAMED, _ASKED = models.around(_told, pieces=True)
