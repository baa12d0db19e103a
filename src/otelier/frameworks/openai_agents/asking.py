"""Models that an agent asks: one that no SDK's hook has seen gets its span here.

A model of the program's own, or a fake one, is asked by the runner like any other. Newer versions
ask by two functions that take what asks; older ones by one that takes what is asked, and their
streams are seen only of models that make the SDK's own spans (``spans``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from otelier import guard, statics
from otelier.frameworks import models
from otelier.frameworks.models import Told
from otelier.frameworks.openai_agents import around, questions
from otelier.hooks.patching import Patches
from otelier.model_runs import ModelRun

# What a model was asked, for the time when it is needed.
Asked: TypeAlias = "Callable[[], Told]"
_WHOLE, _STREAM = "get_response_with_retry", "stream_response_with_retry"
_WITHOUT_RETRY, _OLDER = "get_new_response", "_get_new_response"


def patch(library: str, module: Any, patches: Patches) -> str:
    """See a model being asked."""
    held = statics.storage(module)
    if _WHOLE in held and _STREAM in held:
        patches.wrap(module, _WHOLE, _whole)
        patches.wrap(module, _STREAM, _stream)
        return f"{_WHOLE} and {_STREAM}"
    if _WITHOUT_RETRY in held and module.__name__ != "agents.run":
        patches.wrap(module, _WITHOUT_RETRY, _older)
        return _WITHOUT_RETRY
    owner = held.get("AgentRunner")
    if _OLDER not in getattr(owner, "__dict__", {}):
        raise LookupError(_WHOLE)
    patches.wrap(owner, _OLDER, _older)
    return f"AgentRunner.{_OLDER}"


def _begin() -> ModelRun | None:
    return models.begin() if around.seen() and around.agent() is not None else None


async def _whole(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    asks = kwargs.get("get_response")
    return await _ask(wrapped, args, kwargs, lambda: questions.of_function(asks))


async def _older(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    return await _ask(wrapped, args, kwargs, lambda: questions.of_arguments(args))


async def _ask(wrapped: Callable[..., Any], args: Any, kwargs: Any, asked: Asked) -> Any:
    run = _begin()
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        _over(run, asked, error)
        raise
    _over(run, lambda: questions.answered(asked(), result))
    return result


def _over(run: ModelRun | None, told: Asked, error: BaseException | None = None) -> None:
    # Nothing is looked at where a hook has seen the call.
    models.over(run, Told() if run is None or run.seen else told(), error)


def _stream(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    stream = wrapped(*args, **kwargs)
    try:
        if around.seen() and around.agent() is not None:
            asks = kwargs.get("get_stream")
            return _Stream(stream, lambda: questions.of_function(asks))
    except Exception:
        guard.failed("openai_agents.stream")
    return stream


class _Stream:
    """The runner's own stream of events; its first event tells whether a hook sees the call.

    If one does, the stream's own ``__anext__`` stands in the slot from then on, which the
    interpreter calls without a look at anything of ours.
    """

    __slots__ = ("__anext__", "_asked", "_inner", "_last", "_run")

    def __init__(self, inner: Any, asked: Asked) -> None:
        self._inner = inner
        self._asked = asked
        self._last: Any = None
        self._run: ModelRun | None = None
        self.__anext__: Any = self._first

    def __aiter__(self) -> _Stream:
        return self

    async def _first(self) -> Any:
        self._run = _begin()
        event = await self._next()
        run = self._run
        if run is None or run.seen:
            _over(run, Told)
            self._run = None
            self.__anext__ = self._inner.__anext__
        else:
            self.__anext__ = self._next
        return event

    async def _next(self) -> Any:
        """An event of a model that nobody else sees."""
        try:
            self._last = await self._inner.__anext__()
        except StopAsyncIteration:
            last = self._last
            self._end(lambda: questions.streamed(self._asked(), last))
            raise
        except BaseException as error:
            self._end(self._asked, error)
            raise
        return self._last

    async def aclose(self) -> None:
        """Close the stream, as the runner does in any case."""
        self._end(self._asked, GeneratorExit())
        await self._inner.aclose()

    def _end(self, told: Asked, error: BaseException | None = None) -> None:
        run, self._run = self._run, None
        self.__anext__ = self._inner.__anext__
        if run is not None:
            _over(run, told, error)
