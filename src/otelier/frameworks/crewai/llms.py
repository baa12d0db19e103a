"""Models of the program's own classes: no SDK's hook sees what they ask and are answered.

CrewAI's classes for the SDKs that otelier hooks are left alone: their calls are seen there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from otelier import guard, model_runs, statics, wire
from otelier.frameworks import models
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.models import Told
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.model_runs import ModelRun
from otelier.usage import Usage

# Of these, hooks of SDKs see every call.
_SEEN: Final = (
    "crewai.llm",
    "crewai.llms.base_llm",
    *(
        f"crewai.llms.providers.{name}"
        for name in ("openai", "openai_compatible", "anthropic", "gemini", "bedrock")
    ),
)
_METHODS: Final = ("call", "acall")
_BLOCKED: Final = "LLMCallBlockedError"
# What the call that is made here says that it used.
_used: Final[ContextVar[list[Usage] | None]] = ContextVar("otelier-crewai-usage", default=None)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the models' classes that there are, and those that there will be."""
    base = module.__dict__.get("BaseLLM")
    if base is None:
        raise LookupError("crewai.llms.base_llm.BaseLLM")
    subclasses.each(patches, base, partial(_cover, patches))
    if "_track_token_usage_internal" in base.__dict__:
        patches.wrap(base, "_track_token_usage_internal", _tracked)
    return "BaseLLM.call"


def _cover(patches: Patches, kind: type) -> None:
    if statics.identity(kind)[0].startswith(_SEEN):
        return
    for method in _METHODS:
        function = kind.__dict__.get(method)
        if subclasses.has_a_body(function):
            wrapper = _acall if inspect.iscoroutinefunction(function) else _call
            patches.wrap_loosely(kind, method, wrapper)


class _Asking:
    """One call of a model of the program's; it may ask another one, which has the span then."""

    __slots__ = ("args", "around", "before", "kwargs", "llm", "run")

    def __init__(self, llm: Any, args: Any, kwargs: Any) -> None:
        self.llm, self.args, self.kwargs = llm, args, kwargs
        self.around: ModelRun | None = model_runs.mark.get()
        self.run = models.begin() if running.shown() else None
        # Not a token: a coroutine that is dropped ends in another context.
        self.before = _used.get()
        _used.set([])

    def over(self, answer: Any, error: BaseException | None) -> None:
        """It is answered, or has failed."""
        try:
            used, run = _used.get(), self.run
            _used.set(self.before)
            if run is None:
                return
            if error is not None and statics.name(type(error)) == _BLOCKED:
                # The program has forbidden it: nobody was asked.
                run.seen = True
            told = Told() if run.seen else self._told(answer, used)
            models.over(run, told, error)
            if self.around is not None and not self.around.seen:
                self.around.seen = True
                model_runs.mark.set(self.around)
        except Exception:
            guard.failed("crewai.llm")

    def _told(self, answer: Any, used: list[Usage] | None) -> Told:
        llm, kwargs = self.llm, self.kwargs
        provider = reading.text(llm, "provider")
        # CrewAI's word where nobody has said one.
        if provider == "openai":
            provider = None
        return Told(
            provider=provider,
            model=reading.text(llm, "model"),
            asked=argument(self.args, kwargs, 0, "messages"),
            tools=argument(self.args, kwargs, 1, "tools"),
            parameters=reading.parameters(llm),
            answer=_said(answer),
            usage=used[-1] if used else None,
        )


def _said(answer: Any) -> Any:
    """A text; or calls of tools, as the message that they are part of."""
    calls = wire.items(answer)
    if calls and all("function" in wire.fields(call) for call in calls):
        return {"role": "assistant", "content": None, "tool_calls": calls}
    return answer if type(answer) is str else None


def _asks(llm: Any, args: Any, kwargs: Any) -> _Asking | None:
    try:
        return _Asking(llm, args, kwargs)
    except Exception:
        guard.failed("crewai.llm")
        return None


def _call(wrapped: Callable[..., Any], llm: Any, args: Any, kwargs: Any) -> Any:
    asking = _asks(llm, args, kwargs)
    if asking is None:
        return wrapped(*args, **kwargs)
    try:
        answer = wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(None, error)
        raise
    asking.over(answer, None)
    return answer


async def _acall(wrapped: Callable[..., Any], llm: Any, args: Any, kwargs: Any) -> Any:
    asking = _asks(llm, args, kwargs)
    if asking is None:
        return await wrapped(*args, **kwargs)
    try:
        answer = await wrapped(*args, **kwargs)
    except BaseException as error:
        asking.over(None, error)
        raise
    asking.over(answer, None)
    return answer


def _tracked(wrapped: Callable[..., Any], llm: Any, args: Any, kwargs: Any) -> Any:
    try:
        held = _used.get()
        told = wire.fields(argument(args, kwargs, 0, "usage_data"))
        if held is not None and told:
            held.append(reading.usage(told))
    except Exception:
        guard.failed("crewai.usage")
    return wrapped(*args, **kwargs)
