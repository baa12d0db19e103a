"""Flows: each run of one of the program's is a workflow. CrewAI's own machinery is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otelier import pipeline, semconv, statics
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.crewai.crews import restores
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_PENDING: Final = "HumanFeedbackPending"


class _Waiting(GeneratorExit):
    """A method has not failed that waits for somebody: it is left."""


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a flow: ``kickoff`` runs ``kickoff_async`` in a loop of its own."""
    owner = module.__dict__.get("Flow")
    if owner is None or statics.on_class(owner, "kickoff_async") is None:
        raise LookupError(f"{module.__name__}.Flow.kickoff_async")
    if "kickoff_async" not in owner.__dict__:
        return "Flow.kickoff_async, where it is made"
    patches.wrap(owner, "kickoff_async", around(_begin, _finish)[1])
    if "resume_async" in owner.__dict__:
        patches.wrap(owner, "resume_async", around(_resume, _finish)[1])
    if "_execute_method" in owner.__dict__:
        patches.wrap(owner, "_execute_method", _method)
    return "Flow.kickoff_async"


def _begin(flow: Any, args: Any, kwargs: Any) -> Handle | None:
    # With these it only makes the flow that it is to be, or a stream, and runs that.
    if statics.member(flow, "stream") is True or restores(kwargs):
        return None
    if _machinery(type(flow)) or not running.shown():
        return None
    inputs = argument(args, kwargs, 0, "inputs")
    given = inputs.get("id") if type(inputs) is dict else None
    forked = kwargs.get("restore_from_state_id") is not None
    if type(given) is not str and not forked and _kept(flow):
        given = _state_id(flow)
    handle = running.begin(
        pipeline.workflow(_name(flow)), conversation_id=given if type(given) is str else None
    )
    if handle is not None and inputs and handle.wants_content:
        handle.set_arguments(inputs)
    return handle


def _resume(flow: Any, args: Any, kwargs: Any) -> Handle | None:
    if _machinery(type(flow)) or not running.shown():
        return None
    handle = running.begin(pipeline.workflow(_name(flow)), conversation_id=_state_id(flow))
    if handle is not None and handle.wants_content:
        feedback = argument(args, kwargs, 0, "feedback")
        if type(feedback) is str and feedback:
            handle.set_input(feedback)
    return handle


def _method(wrapped: Callable[..., Any], flow: Any, args: Any, kwargs: Any) -> Any:
    # CrewAI's loop of an agent passes here many times: nothing more than this, as a rule.
    if running.inner():
        return _seen_method(wrapped, flow, args, kwargs)
    return wrapped(*args, **kwargs)


def _begin_method(flow: Any, args: Any, kwargs: Any) -> Handle | None:
    name = argument(args, kwargs, 0, "method_name")
    if _machinery(type(flow)) or not issubclass(type(name), str):
        return None
    return running.begin(pipeline.step(str.__str__(name)))


def _machinery(kind: type) -> bool:
    """Whether flows of this class are CrewAI's own: its loop of an agent, its searches."""
    told = statics.on_class(kind, "is_crewai_internal")
    if told is not None:
        return told is True
    return reading.of_crewai(kind) and statics.name(kind) != "Flow"


def _name(flow: Any) -> str | None:
    """The flow's name, or that of the class that the program made for it."""
    name = reading.text(flow, "name")
    if name is None and not reading.of_crewai(type(flow)):
        name = statics.name(type(flow))
    return name or reading.text(reading.private(flow, "_definition"), "name")


def _kept(flow: Any) -> bool:
    """Whether the flow's state is kept, to be gone on with."""
    kept = statics.member(flow, "persistence")
    return kept is not None or reading.private(flow, "_persistence") is not None


def _state_id(flow: Any) -> str | None:
    """By which the flow is kept and found again."""
    state = reading.private(flow, "_state")
    held: Mapping[str, Any] = state if type(state) is dict else statics.storage(state)
    found = held.get("id")
    return found if type(found) is str and found else None


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if statics.identity(type(result)) == ("crewai.flow.async_feedback.types", _PENDING):
        # It waits for somebody: who goes on with it does so by this id.
        waiting = reading.text(statics.member(result, "context"), "flow_id")
        if waiting:
            handle.set(semconv.CONVERSATION_ID, waiting)
        return
    if result is None or not handle.wants_content or statics.iterates(result):
        return
    answer = statics.member(result, "raw")
    handle.set_output(answer) if type(answer) is str else handle.set_result(result)


def _over(handle: Handle | NoHandle, result: Any) -> None:
    """A method's result is another's argument: the workflow says what came of all."""


def _waits(error: BaseException) -> BaseException:
    return _Waiting() if statics.name(type(error)) == _PENDING else error


_seen_method: Final = around(_begin_method, _over, _waits)[1]
