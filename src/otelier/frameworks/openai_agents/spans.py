"""Agents, tools and models: the SDK's spans, which start and finish in one task, in pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, leaving, model_runs, pipeline, statics, wire
from otelier.frameworks import models, steps
from otelier.frameworks.openai_agents import around, opened, told
from otelier.frameworks.openai_agents.around import AgentRun, ToolRun
from otelier.frameworks.openai_agents.opened import Open
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_CLASSES: Final = ("SpanImpl", "NoOpSpan")
_DATA: Final = "agents.tracing.span_data"


def patch(library: str, module: Any, patches: Patches) -> str:
    """See spans of the SDK's start and finish, also those that it does not export."""
    owners = [statics.storage(module).get(name) for name in _CLASSES]
    for owner, name in zip(owners, _CLASSES, strict=True):
        for method in ("start", "finish", "set_error"):
            if method not in getattr(owner, "__dict__", {}):
                raise LookupError(f"{name}.{method}")
    for owner in owners:
        patches.wrap(owner, "start", _start)
        patches.wrap(owner, "finish", _finish)
        patches.wrap(owner, "set_error", _set_error)
    patches.undone(opened.forget)
    return " and ".join(_CLASSES)


def _start(wrapped: Callable[..., Any], span: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        if around.current(args, kwargs) and opened.of(span) is None:
            data = _data(span)
            begin = _BEGIN.get(_kind(data))
            if begin is None:
                begin = _inner
            if around.seen():
                opened.keep(span, begin(data))
    except Exception:
        guard.failed("openai_agents.start")
    return result


def _finish(wrapped: Callable[..., Any], span: Any, args: Any, kwargs: Any) -> Any:
    try:
        found = opened.take(span)
        if found is not None:
            data = _data(span)
            _END.get(_kind(data), _over)(found, data)
    except Exception:
        guard.failed("openai_agents.finish")
    return wrapped(*args, **kwargs)


def _set_error(wrapped: Callable[..., Any], span: Any, args: Any, kwargs: Any) -> Any:
    """The SDK tells of a failure in words, and often where it handles the exception."""
    try:
        found = opened.of(span)
        if found is not None:
            found.told = wire.fields(argument(args, kwargs, 0, "error"))
            found.error = found.raised()
    except Exception:
        guard.failed("openai_agents.error")
    return wrapped(*args, **kwargs)


def _data(span: Any) -> Any:
    return statics.member(span, "_span_data")


def _kind(data: Any) -> str:
    module, name = statics.identity(type(data))
    return name if module == _DATA else ""


def _agent(data: Any) -> Open | None:
    name = around.text(data, "name")
    handle = steps.begin(pipeline.agent(name or ""), made=AgentRun)
    if not isinstance(handle, AgentRun):
        return None
    handle.name = name
    handle.mirror()
    run, trace = around.run(), around.trace()
    workflow = None if trace is None else trace.workflow
    handle.direct = workflow is not None and ctx.current().get(ctx.STEP) is workflow
    if run is not None and name in run.offered:
        handle.tools = run.offered[name]
        told.offer(handle)
    return Open(handle, around.with_agent(handle.context, handle))


def _tool(data: Any) -> Open | None:
    name = around.text(data, "name") or ""
    agent = around.agent()
    tool = agent.tools.get(name) if agent is not None else None
    description = None if tool is None else around.text(tool, "description")
    handle = steps.begin(pipeline.tool(name, description=description), made=ToolRun)
    if not isinstance(handle, ToolRun):
        return None
    handle.function = told.function(tool)
    return Open(handle, handle.context)


def _model(data: Any) -> Open | None:
    run = model_runs.mark.get()
    if run is not None and not run.seen:
        return None  # Whoever asks the model looks at it.
    found = Open(None)
    found.model = models.begin()
    return found


def _inner(data: Any) -> Open | None:
    """What is no step of its own, unless it is asked for."""
    if not steps.inner_steps():
        return None
    kind = _kind(data).removesuffix("SpanData")
    name = told.title(kind, data)
    if name is None:
        return None
    handle = steps.begin(pipeline.step(name))
    return None if handle is None else Open(handle, handle.context)


def _agent_over(found: Open, data: Any) -> None:
    handle = found.handle
    if not isinstance(handle, AgentRun):
        return
    trace = around.trace() if handle.direct else None
    if trace is not None and trace.workflow is not None:
        told.workflow(trace.workflow, handle)
    error, kind = found.raised(), None
    # A tripwire's run is cancelled in some versions, by whoever reads its stream.
    if found.told is not None and (error is None or leaving.how(error) is not None):
        run = around.run()
        kind = told.ending(found.told, run is not None and run.endless)
    if kind is None:
        found.end(error)
        return
    message = wire.text((found.told or {}).get("message"))
    if trace is not None and trace.own:
        trace.failed = kind, message
    handle.fail(kind, message)


def _tool_over(found: Open, data: Any) -> None:
    handle = found.handle
    if not isinstance(handle, ToolRun):
        return
    if handle.wants_content:
        # Neither is there if the run is to keep them to itself.
        arguments, result = statics.member(data, "input"), statics.member(data, "output")
        if arguments is not None:
            handle.set_arguments(arguments)
        if result is not None and not handle.told:
            handle.set_result(result)
    error = handle.error or found.error or found.raised()
    if error is not None or found.told is None:
        found.end(error)
    else:
        handle.fail("tool_error", told.failure(found.told))


def _model_over(found: Open, data: Any) -> None:
    if found.model is not None:
        models.over(found.model, told.span(data), found.error or found.raised())


def _over(found: Open, data: Any) -> None:
    found.end(found.raised())


_BEGIN: Final[dict[str, Callable[[Any], Open | None]]] = {
    "AgentSpanData": _agent,
    "FunctionSpanData": _tool,
    "GenerationSpanData": _model,
    "ResponseSpanData": _model,
}
_END: Final[dict[str, Callable[[Open, Any], None]]] = {
    "AgentSpanData": _agent_over,
    "FunctionSpanData": _tool_over,
    "GenerationSpanData": _model_over,
    "ResponseSpanData": _model_over,
}
