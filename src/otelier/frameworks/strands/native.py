"""What Strands' spans are, and what they should say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Final

from opentelemetry.trace import Status, StatusCode

from otelier import guard, natives, semconv
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "strands.telemetry.tracer"
_SESSION: Final = "session.id"
_STATUS: Final = ("gen_ai.tool.status", "tool.status")
# Since this version its spans are current: before, a model call finds none that is its own.
_CURRENT: Final = (1, 2)
# How a span's name begins, and what it is by the conventions.
_OPERATIONS: Final = {
    "invoke_agent": semconv.INVOKE_AGENT,
    "execute_tool": semconv.EXECUTE_TOOL,
    "invoke_swarm": semconv.INVOKE_WORKFLOW,
    "invoke_graph": semconv.INVOKE_WORKFLOW,
    "chat": semconv.CHAT,
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans, and take the content of agents and tools where they begin and end."""
    tracer = getattr(module, "Tracer", None)
    if tracer is None or "start_tool_call_span" not in tracer.__dict__:
        raise LookupError("strands.telemetry.tracer.Tracer.start_tool_call_span")
    if _version() < _CURRENT:
        raise LookupError("spans that are current where their models and tools run")
    watched = natives.Native(begins, ends, mirrors=True, counts=False, leaves_open=True)
    patches.undone(natives.watch(SCOPE, watched))
    for name, after in _AFTER.items():
        if name in tracer.__dict__:
            patches.wrap(tracer, name, _after(after))
    for name, before in _BEFORE.items():
        if name in tracer.__dict__:
            patches.wrap(tracer, name, _before(before))
    return f"spans of {SCOPE}"


def _version() -> tuple[int, ...]:
    try:
        parts = metadata.version("strands-agents").split(".")[:2]
        return tuple(int(part) for part in parts)
    except (metadata.PackageNotFoundError, ValueError):
        return _CURRENT  # Built from its sources.


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is, by its name; it has no attributes yet."""
    return natives.by_name(span, _OPERATIONS)


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a span of its says otherwise than the conventions, or not at all."""
    found: Attributes = {}
    operation, _ = begins(span)
    if operation == semconv.INVOKE_WORKFLOW:
        found[semconv.OPERATION_NAME] = operation
    if operation == semconv.EXECUTE_TOOL:
        found[semconv.TOOL_TYPE] = "function"
        failed = span.status.status_code is StatusCode.ERROR
        if not failed and "error" in (present.get(name) for name in _STATUS):
            # Older versions say so, and that all was well.
            failed, span._status = True, Status(StatusCode.ERROR)
        raised = any(event.name == "exception" for event in span.events)
        if failed and not raised and semconv.ERROR_TYPE not in present:
            found[semconv.ERROR_TYPE] = "tool_error"
    return found


def _after(tell: Callable[[Any, Any], None]) -> Any:
    """A wrapper that is told of the span that a method has begun, and of the arguments."""

    def run(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
        span = wrapped(*args, **kwargs)
        try:
            tell(span, {**kwargs, "first": args[0] if args else None})
        except Exception:
            guard.failed("strands.started")
        return span

    return run


def _before(tell: Callable[[Any, Any], None]) -> Any:
    """A wrapper that is told of the span that a method is about to end."""

    def run(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
        try:
            tell(argument(args, kwargs, 0, "span"), args[1:] or tuple(kwargs.values()))
        except Exception:
            guard.failed("strands.ending")
        return wrapped(*args, **kwargs)

    return run


def _agent(span: Any, given: Mapping[str, Any]) -> None:
    natives.tell(span, system=given.get("system_prompt"))
    converse(span)


def converse(span: Any, session_id: Any = None) -> None:
    """The session, which programs also say by an attribute of their own."""
    present = getattr(span, "attributes", None) or {}
    told = session_id or present.get(_SESSION)
    if type(told) is str and semconv.CONVERSATION_ID not in present:
        span.set_attribute(semconv.CONVERSATION_ID, told)
    natives.belongs(span, present.get(semconv.USER_ID))


def _tool(span: Any, given: Mapping[str, Any]) -> None:
    asked = given.get("tool") or given.get("first")
    if type(asked) is dict:
        natives.tell(span, arguments=asked.get("input"))


def _tool_result(span: Any, given: tuple[Any, ...]) -> None:
    result = next((each for each in given if type(each) is dict and "content" in each), None)
    if result is not None:
        natives.tell(span, result=result["content"])


_AFTER: Final = {
    "start_agent_span": _agent,
    "start_multiagent_span": lambda span, given: converse(span),
    "start_tool_call_span": _tool,
}
_BEFORE: Final = {"end_tool_call_span": _tool_result}
