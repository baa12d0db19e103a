"""Models of the program's own classes: no SDK's hook sees what they ask and are answered.

CrewAI's classes for the SDKs that otelier hooks are left alone: their calls are seen there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from otelier import guard, statics, wire
from otelier.frameworks import models
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.models import Told
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
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
    wrappers = models.around(_told, running.shown, made=_Asking, whole=True)
    subclasses.cover(patches, base, _METHODS, wrappers, _is_seen)
    if "_track_token_usage_internal" in base.__dict__:
        patches.wrap(base, "_track_token_usage_internal", _tracked)
    return "BaseLLM.call"


def _is_seen(kind: type) -> bool:
    return statics.identity(kind)[0].startswith(_SEEN)


class _Asking(models.Asking):
    """One call of a model of the program's; it may ask another one, which has the span then."""

    # What it says that it used.
    used: list[Usage]

    def enter(self) -> Any:
        """The model's own code runs."""
        # Not tokens: a coroutine that is dropped ends in another context.
        outer, leave = _used.get(), super().enter()
        self.used = []
        _used.set(self.used)

        def left() -> None:
            _used.set(outer)
            leave()

        return left

    def end(self, error: BaseException | None = None) -> None:
        """It has answered, or has not."""
        if error is not None and statics.name(type(error)) == _BLOCKED and self._run is not None:
            # The program has forbidden it: nobody was asked.
            self._run.seen = True
        super().end(error)


def _told(llm: Any, args: Any, kwargs: Any, asking: _Asking) -> Told:
    provider = reading.text(llm, "provider")
    # CrewAI's word where nobody has said one.
    if provider == "openai":
        provider = None
    return Told(
        provider=provider,
        model=reading.text(llm, "model"),
        asked=argument(args, kwargs, 0, "messages"),
        tools=argument(args, kwargs, 1, "tools"),
        parameters=reading.parameters(llm),
        answer=_said(asking.answer),
        usage=asking.used[-1] if asking.used else None,
    )


def _said(answer: Any) -> Any:
    """A text; or calls of tools, as the message that they are part of."""
    calls = wire.items(answer)
    if calls and all("function" in wire.fields(call) for call in calls):
        return {"role": "assistant", "content": None, "tool_calls": calls}
    return answer if type(answer) is str else None


def _tracked(wrapped: Callable[..., Any], llm: Any, args: Any, kwargs: Any) -> Any:
    try:
        held = _used.get()
        told = wire.fields(argument(args, kwargs, 0, "usage_data"))
        if held is not None and told:
            held.append(reading.usage(told))
    except Exception:
        guard.failed("crewai.usage")
    return wrapped(*args, **kwargs)
