"""Steps of workflows, and what goes on inside of engines: seen only where that is asked for."""

from __future__ import annotations

from otelier import leaving, pipeline, statics
from otelier.frameworks import steps
from otelier.frameworks.llama_index import agents, seen
from otelier.frameworks.llama_index.seen import Entered, runs
from otelier.frameworks.llama_index.workflows import Flow
from otelier.frameworks.steps import Run


def begin(entered: Entered) -> Run | None:
    """A part of what an engine does."""
    if not steps.inner_steps():
        return None
    return seen.begin(entered, pipeline.step(statics.name(type(entered.owner))))


def step(entered: Entered) -> Run | None:
    """A function runs that is no method: maybe a step of the workflow above."""
    above = None if entered.above is None else runs.of(entered.above)
    flow = None if above is None else above.more.held
    if not isinstance(flow, Flow):
        return None

    def finish(run: Run, result: object) -> None:
        flow.failed = None
        seen.ended(run)

    def fail(run: Run, error: BaseException | None) -> None:
        flow.failed = None if error is None or leaving.a_cancellation(error) else error
        seen.failed(run, error)

    within = agents.step(entered, flow)
    if steps.inner_steps():
        run = seen.begin(entered, pipeline.step(entered.method), finish, fail, within=within)
    else:
        run = seen.pass_by(entered, finish, fail, context=within)
    if run is not None:
        run.more.held = agents.event(entered)
    return run
