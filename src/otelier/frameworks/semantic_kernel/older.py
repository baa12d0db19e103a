"""Versions of the framework before 1.36: their spans say less, and some ask no switch.

Before 1.32 the span of a function has its bare name and no attributes, and does not know which of
the model's calls it is; agents have spans whatever the program has set. Both come from a tracer of
a module, in whose place stands one that knows what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.trace import INVALID_SPAN

from otelier import apart, guard, runtime, statics
from otelier import context as ctx
from otelier.frameworks.semantic_kernel import agents, elsewhere, functions, streams
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_FUNCTION: Final = create_key("otelier-semantic-kernel-asked")
_CALL_ID: Final = create_key("otelier-semantic-kernel-call")
_MODULE: Final = "semantic_kernel.functions.kernel_function"
_TRACER: Final = "function_tracer"
_SWITCH: Final = "are_model_diagnostics_enabled"
_HANDLER: Final = "invoke_function_call"


class _Tracer:
    """A tracer of the framework's, whose spans somebody looks at."""

    def __init__(self, inner: Any, started: Callable[[Callable[[], Any]], Any]) -> None:
        self._inner = inner
        self._started = started

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._started(lambda: self._inner.start_as_current_span(*args, **kwargs))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put tracers of ours in the place of the framework's, where its spans have no other seam."""
    held = module.__dict__
    kernel = held.get("Kernel")
    if "tracer" in held and "KernelFunction" in held and _TRACER not in held:
        _functions(module, patches)
    elif "tracer" in held and "trace_agent_invocation" in held and _SWITCH not in held:
        _agents(module, patches)
    elif kernel is not None and not _knows(kernel):
        patches.wrap(kernel, _HANDLER, streams.within(_handled))
    else:
        raise LookupError(f"{module.__name__} is no older one")
    return str(module.__name__)


def _knows(kernel: Any) -> bool:
    """Whether functions are told which of a model's calls they are."""
    return _HANDLER not in kernel.__dict__ or statics.loaded(_MODULE, _TRACER) is not None


def _agents(module: Any, patches: Patches) -> None:
    """Agents' spans, which are ours, are not made again."""
    inner = module.tracer

    def started(make: Callable[[], Any]) -> Any:
        try:
            if agents.here() is not None and apart.shared(inner):
                return nullcontext(INVALID_SPAN)
        except Exception:
            guard.failed("semantic_kernel.agent")
        return elsewhere.Started(make())

    patches.replace(module, "tracer", _Tracer(inner, started))


def _functions(module: Any, patches: Patches) -> None:
    """Functions' spans are steps."""

    def started(make: Callable[[], Any]) -> Any:
        try:
            held: Any = ctx.current().get(_FUNCTION)
            function, call_id = held.pop() if held else (None, None)
        except Exception:
            guard.failed("semantic_kernel.asked")
            function = None
        return make() if function is None else functions.started(make, function, call_id)

    patches.replace(module, "tracer", _Tracer(module.tracer, started))
    patches.wrap(module.KernelFunction, "invoke", streams.within(_invoked))
    patches.wrap(module.KernelFunction, "invoke_stream", _stream)


def _stream(wrapped: Any, function: Any, args: Any, kwargs: Any) -> Any:
    inner = wrapped(*args, **kwargs)
    if runtime.current() is None:
        return inner
    return streams.read(inner, lambda: _asked(function))


def _invoked(function: Any, args: Any, kwargs: Any) -> Context:
    return _asked(function)


def _asked(function: Any) -> Context:
    """The context in which a function is the next to run."""
    here = ctx.current()
    held: Any = here.get(_CALL_ID)
    return ctx.with_value(here, _FUNCTION, [(function, held.pop() if held else None)])


def _handled(kernel: Any, args: Any, kwargs: Any) -> Context | None:
    call = statics.storage(argument(args, kwargs, 0, "function_call"))
    told = call.get("id")
    return ctx.with_value(ctx.current(), _CALL_ID, [told]) if told else None
