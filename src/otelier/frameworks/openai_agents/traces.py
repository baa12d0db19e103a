"""Workflows: the SDK's traces that have a name, or a first agent that may hand over to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, pipeline, statics, whose
from otelier.frameworks import steps
from otelier.frameworks.openai_agents import around, naming, opened
from otelier.frameworks.openai_agents.around import Around
from otelier.frameworks.openai_agents.opened import Open
from otelier.hooks.patching import Patches
from otelier.sessions import belonging

_CLASSES: Final = ("TraceImpl", "NoOpTrace")
# Of a run that goes on in the process that has interrupted it; not in every version.
_RESUMED: Final = "ReattachedTrace"
# How a trace is called that nobody has named.
_UNNAMED: Final = frozenset({"Agent workflow", "Voice Agent", "Sandbox cleanup", "no-op"})


def patch(library: str, module: Any, patches: Patches) -> str:
    """See traces of the SDK's start and finish, also those that it does not export."""
    held = statics.storage(module)
    for name in _CLASSES:
        for method in ("start", "finish"):
            if method not in getattr(held.get(name), "__dict__", {}):
                raise LookupError(f"{name}.{method}")
    for name in (*_CLASSES, _RESUMED):
        if held.get(name) is not None:
            patches.wrap(held[name], "start", _start)
            patches.wrap(held[name], "finish", _finish)
    return " and ".join(_CLASSES)


def _start(wrapped: Callable[..., Any], trace: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        run = around.run()
        if run is not None and run.prepares is not None and whose.same(run.prepares, whose.here()):
            return result  # Masks what is around, while a streamed run is prepared.
        if around.current(args, kwargs) and opened.of(trace) is None and around.seen():
            opened.keep(trace, _begin(trace))
    except Exception:
        guard.failed("openai_agents.trace")
    return result


def _begin(trace: Any) -> Open:
    name, group = naming.of(trace)
    outer = around.trace()
    context = ctx.current()
    if group:
        context = belonging(context, group)
    handle = None
    # A run whose trace is off has one of its own, also within another run.
    if outer is None:
        handle, context = _workflow(None if name in _UNNAMED else name, context)
    workflow = handle if outer is None else outer.workflow
    grouped = bool(group) or (outer is not None and outer.grouped)
    found = Around(workflow, grouped, around.run() is not None)
    opening = Open(handle, around.with_trace(context, found))
    opening.trace = found
    return opening


def _workflow(name: str | None, context: Context) -> tuple[Any, Context]:
    run = around.run()
    if name is None and (run is None or not run.several or _in_workflow(context)):
        return None, context
    handle = steps.begin(pipeline.workflow(name or ""), context)
    return handle, context if handle is None else handle.context


def _in_workflow(context: Context) -> bool:
    """Whether the program has said what the workflow is: one without a name adds nothing."""
    scope: Any = context.get(ctx.SCOPE)
    return scope is not None and scope.agent is not scope


def _finish(wrapped: Callable[..., Any], trace: Any, args: Any, kwargs: Any) -> Any:
    try:
        found = opened.take(trace)
        if found is not None:
            failed = found.trace.failed if found.trace is not None else None
            error = found.raised()
            if found.handle is not None and error is None and failed is not None:
                found.handle.fail(*failed)
            else:
                found.end(error)
    except Exception:
        guard.failed("openai_agents.trace")
    return wrapped(*args, **kwargs)
