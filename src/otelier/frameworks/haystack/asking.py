"""An agent asks a generator of the program's own class: where it begins and what it answers.

Later versions call such a generator directly. What is around that call is a trace of Haystack's,
whoever its tracer is, and what takes the answer after it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, semconv, statics, wire
from otelier.frameworks.haystack import generators, running
from otelier.frameworks.models import Asking
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave

_OPERATION: Final = "haystack.agent.step.llm"
# What has been asked, until its answer is taken.
_asked: Final[ContextVar[tuple[Asking, dict[str, Any]] | None]] = ContextVar(
    "otelier-haystack-asked", default=None
)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what traces, or what takes the answer."""
    if "_record_llm_usage" in module.__dict__:
        patches.wrap(module, "_record_llm_usage", _answer)
        return f"{module.__name__}._record_llm_usage"
    owner = module.__dict__.get("ProxyTracer")
    if owner is None or "trace" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.ProxyTracer.trace")
    patches.wrap(owner, "trace", _trace)
    return "ProxyTracer.trace"


def _trace(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    theirs = wrapped(*args, **kwargs)
    operation = argument(args, kwargs, 0, "operation_name")
    return _Around(theirs) if operation == _OPERATION else theirs


class _Around:
    """Their trace of one call of a model, and ours."""

    __slots__ = ("_asking", "_given", "_theirs", "_token")

    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs
        self._given: dict[str, Any] = {}
        self._asking: Asking | None = None
        self._token: Any = None

    def __enter__(self) -> Any:
        span = self._theirs.__enter__()
        try:
            around = ctx.current().get(ctx.STEP)
            if isinstance(around, running.Running):
                self._given["model"] = around.get(semconv.REQUEST_MODEL)
            self._asking = generators.ask(None, self._given)
            if self._asking is not None:
                self._token = self._asking.enter()
        except Exception:
            guard.failed("haystack.asking")
        return span

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> Any:
        if self._asking is not None:
            leave(self._token)
            if error is not None:
                self._asking.end(error)
            else:
                _asked.set((self._asking, self._given))
        return self._theirs.__exit__(kind, error, trace)


def _answer(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    try:
        held = _asked.get()
        if held is not None:
            _asked.set(None)
            asking, given = held
            replies = argument(args, kwargs, 1, "llm_messages")
            found = statics.member(argument(args, kwargs, 0, "state"), "_data")
            data: dict[str, Any] = found if type(found) is dict else {}
            said = wire.items(data.get("messages"))
            given["messages"] = list(said[: len(said) - len(wire.items(replies))])
            given["tools"] = data.get("tools")
            asking.answer = {"replies": replies}
            asking.end()
    except Exception:
        guard.failed("haystack.answer")
    return wrapped(*args, **kwargs)
