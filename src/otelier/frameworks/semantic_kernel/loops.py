"""The loop of model calls and tools that a chat service runs, by itself or for an agent.

The framework has a span for it (``AutoFunctionInvocationLoop``), which is no operation and stands
between an agent and what it does: there it is shown with ``OTELIER_FRAMEWORK_STEPS=all`` alone.
Where no agent or workflow is around it, the loop is the agent, which nobody has named. In the loop,
each call of a model that no SDK carries has a span of ours.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import FunctionType, MethodType
from typing import Any, Final

from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard, pipeline, semconv
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel import models, others, streams, switches
from otelier.frameworks.semantic_kernel.kept import Kept
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.scope import around
from otelier.semconv import Attributes

_SERVICE: Final = "ChatCompletionClientBase"
_WHOLE: Final = "get_chat_message_contents"
_STREAM: Final = "get_streaming_chat_message_contents"
_AGENT: Final[Attributes] = {semconv.OPERATION_NAME: semconv.INVOKE_AGENT}
_LOOP: Final = "_start_auto_function_invocation_activity"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what all chat services are called by, and the span of the loop."""
    service = getattr(module, _SERVICE, None)
    if service is None or _WHOLE not in service.__dict__ or _STREAM not in service.__dict__:
        raise LookupError(f"{_SERVICE}.{_WHOLE}")
    patches.wrap(service, _WHOLE, _run)
    patches.wrap(service, _STREAM, _streamed)
    if _LOOP in service.__dict__ and "use_span" in module.__dict__:
        patches.wrap(service, _LOOP, _loop)
        patches.wrap(module, "use_span", _used)
    return f"{_SERVICE}.{_WHOLE}"


def _loop(wrapped: Any, service: Any, args: Any, kwargs: Any) -> Any:
    try:
        if others.shown() and _within() and not steps.inner_steps():
            return INVALID_SPAN
    except Exception:
        guard.failed("semantic_kernel.loop")
    return wrapped(*args, **kwargs)


def _within() -> bool:
    """Whether an agent or a workflow is around what runs here."""
    return around(ctx.current()) is not None


def _used(wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
    try:
        if others.shown() and not _within():
            return Kept(wrapped(*args, **kwargs), pipeline.agent(None), dict(_AGENT))
    except Exception:
        guard.failed("semantic_kernel.used")
    # The loop runs where it is: no span takes the place of the agent's.
    if argument(args, kwargs, 0, "span") is INVALID_SPAN:
        return nullcontext(INVALID_SPAN)
    return wrapped(*args, **kwargs)


def _run(wrapped: Any, service: Any, args: Any, kwargs: Any) -> Any:
    return _looking(wrapped, service)(*args, **kwargs)


def _streamed(wrapped: Any, service: Any, args: Any, kwargs: Any) -> Any:
    run = _looking(wrapped, service)
    if switches.on() or steps.inner_steps() or not _within():
        return streams.contained(run, service, args, kwargs)
    return run(*args, **kwargs)


def _looking(wrapped: Any, service: Any) -> Any:
    """The method, whose own calls of the model are looked at; nothing is changed on the service."""
    try:
        run = getattr(wrapped, "__func__", None)
        if type(run) is not FunctionType or "__class__" in run.__code__.co_freevars:
            return wrapped
        if others.shown():
            return MethodType(run, _Lent(service))
    except Exception:
        guard.failed("semantic_kernel.service")
    return wrapped


class _Lent:
    """A chat service, of whose calls of the model somebody takes note."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return models.looked(self._service, name, getattr(self._service, name))
