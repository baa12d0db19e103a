"""Calls of models that no SDK's hook has seen: local models, clients of the program's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from otelier import guard, semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.models import Told
from otelier.frameworks.semantic_kernel import reading
from otelier.hooks.calling import argument
from otelier.model_runs import ModelRun
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


def whole(service: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with a span of ours where nobody else has one of the call."""

    async def run(*args: Any, **kwargs: Any) -> Any:
        begun = models.begin()
        try:
            found = await function(*args, **kwargs)
        except BaseException as error:
            _over(begun, service, args, kwargs, [], error)
            raise
        _over(begun, service, args, kwargs, found)
        return found

    return run


def stream(service: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same of a generator, whose items are kept until it is over."""

    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        begun = models.begin()
        found: list[Any] = []
        inner = function(*args, **kwargs)
        try:
            async for item in inner:
                if begun is not None and not begun.seen:
                    found.append(item)
                yield item
        except BaseException as error:
            if hasattr(inner, "aclose") and isinstance(error, GeneratorExit):
                await inner.aclose()
            _over(begun, service, args, kwargs, _joined(found), error)
            raise
        _over(begun, service, args, kwargs, _joined(found))

    return run


def _over(
    begun: ModelRun | None,
    service: Any,
    args: Any,
    kwargs: Any,
    found: Any,
    error: BaseException | None = None,
) -> None:
    try:
        told = Told() if begun is None or begun.seen else _told(service, args, kwargs, found)
    except Exception:
        guard.failed("semantic_kernel.model")
        told = Told()
    models.over(begun, told, error)


def _told(service: Any, args: Any, kwargs: Any, found: Any) -> Told:
    history = statics.storage(argument(args, kwargs, 0, "chat_history"))
    settings = argument(args, kwargs, 1, "settings")
    provider = statics.on_class(type(service), _PROVIDER)
    told = Told(
        provider=provider if type(provider) is str else None,
        model=reading.string(settings, "ai_model_id") or reading.string(service, "ai_model_id"),
        asked=reading.chat(history.get("messages") or ()),
        parameters=models.parameters(settings, _SETTINGS),
    )
    answers = list(wire.items(found or ()))
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
