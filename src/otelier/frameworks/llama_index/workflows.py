"""Workflows: those of the program's own are ``invoke_workflow``, with the name of their class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelier import pipeline, statics
from otelier.frameworks.llama_index import classes, seen
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.steps import Run


class Flow:
    """What is known of a workflow that runs."""

    __slots__ = ("failed", "team")

    def __init__(self, team: Any = None) -> None:
        # What its last step has raised.
        self.failed: BaseException | None = None
        # The agents that work in turns.
        self.team = team

    def over(self, run: Run, error: BaseException | None) -> None:
        """End the step of the run."""
        if self.team is not None:
            self.team.over(error)
        seen.failed(run, error)


def begin(entered: Entered) -> Run | None:
    """A workflow runs."""
    owner = entered.owner
    named = statics.member(owner, "_workflow_name")
    name = named if isinstance(named, str) else classes.given_name(owner)
    run = seen.begin(entered, pipeline.workflow(name), finish, fail)
    if run is not None:
        run.more.held = Flow()
        if run.handle is not None and run.handle.wants_content:
            run.handle.set_arguments(dict(given(entered)))
    return run


def given(entered: Entered) -> Mapping[str, Any]:
    """What a run is given: the fields of its first event, or the arguments by their names."""
    event = entered.arguments.get("start_event")
    if event is not None:
        return members(event)
    found = {**entered.arguments, **(entered.arguments.get("kwargs") or {})}
    return {name: found[name] for name in found if name not in ("kwargs", "ctx", "run_id")}


def members(event: Any) -> dict[str, Any]:
    """The fields of an event, declared or not."""
    private = statics.member(event, "__pydantic_private__") or {}
    free = private.get("_data")
    fields = {
        name: value for name, value in statics.storage(event).items() if not name.startswith("_")
    }
    return {**fields, **free} if type(free) is dict else fields


def answer(result: Any) -> Any:
    """What a run comes to: of the event that stops it, the result."""
    if not classes.is_a(result, "StopEvent"):
        return result
    found = members(result)
    if statics.name(type(result)) != "StopEvent":
        return found
    private = statics.member(result, "__pydantic_private__") or {}
    return private.get("_result", found.get("result"))


def finish(run: Run, result: Any) -> None:
    """A workflow's run is over."""
    if run.handle is not None and run.handle.wants_content:
        found = answer(result)
        if found is not None:
            run.handle.set_result(found)
    over(run, result)


def over(run: Run, result: Any) -> None:
    """End a run's step. Earlier versions tell no error: it is then that of the last step."""
    flow: Flow = run.more.held
    flow.over(run, flow.failed if result is None else None)


def fail(run: Run, error: BaseException | None) -> None:
    """A workflow's run has raised; what a step has, where it is wrapped into an error of theirs."""
    flow: Flow = run.more.held
    wraps = error is not None and error.__cause__ is flow.failed
    flow.over(run, flow.failed or error if wraps else error)
