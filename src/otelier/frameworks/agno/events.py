"""A run, and what its events tell of it: a stream of them is all that a program may get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time_ns
from typing import Any, Final

from otelier import guard, leaving, semconv, statics
from otelier.frameworks.agno import reading
from otelier.handle import Handle
from otelier.kinds import AGENT
from otelier.returned import Hear

# What a run is that is over without having been raised.
_FAILED: Final = "ERROR"
_CANCELLED: Final = "CANCELLED"


class Run(Handle):
    """A run of an agent, a team or a workflow."""

    __slots__ = ("_id", "_listens", "done", "kind", "whose")

    # What runs: a handle keeps none alive.
    whose: Callable[[], Any]
    kind: Events
    # When Agno has said that it is over: who reads its stream may leave the rest of it.
    done: int | None

    def hearing(self) -> Hear:
        """What hears the events of a stream."""
        self._listens = self.wants_content
        self._id: str | None = None
        return self._event

    def _event(self, item: Any) -> None:
        """An event, or the result at the end."""
        try:
            held = statics.storage(item)
            event = held.get("event")
            told = self.kind.told.get(event) if type(event) is str else None
            if told is None:
                if statics.name(type(item)) != self.kind.result:
                    return
            elif told is _piece and not self._listens:
                return
            self._id = self._id or reading.text(self.whose(), "id")
            # Events of the members of a team pass by as well.
            if held.get(self.kind.identity) != self._id:
                return
            if told is not None:
                told(self, held.get("content"))
            else:
                ended(self, item)
                self.done = time_ns()
        except Exception:
            guard.failed("agno.events")

    def _sum_up(self) -> None:
        if self._kind is AGENT:
            # Agno may have made it in the run.
            known = reading.text(self.whose(), "id")
            if known is not None:
                self._put({semconv.AGENT_ID: known})
        super()._sum_up()

    def _end(
        self,
        said: str | None,
        problem: BaseException | str | None,
        how: str | None = None,
        ended: int | None = None,
    ) -> None:
        done = getattr(self, "done", None)
        if how is not None and done is not None:
            said, problem = self._failure or (None, None)
            how, ended = None, done
        super()._end(said, problem, how, ended)


def ended(run: Handle, result: Any) -> bool:
    """Tell how a run has ended; whether it has answered."""
    held = statics.storage(result)
    status = statics.storage(held.get("status")).get("_value_")
    if status == _CANCELLED:
        _cancelled(run, None)
    elif status == _FAILED:
        # What it failed of, if that is not what it has answered before.
        said = held.get("content")
        _failed(run, said if run.wants_content and not _answered(result, said) else None)
    return status not in (_CANCELLED, _FAILED)


def _answered(result: Any, said: Any) -> bool:
    messages = statics.member(result, "messages")
    return type(messages) is list and any(
        statics.member(each, "content") == said
        for each in messages
        if type(statics.member(each, "content")) is str
    )


def _failed(run: Handle, said: Any) -> None:
    run.note_failure(_FAILED.lower(), said if type(said) is str else None)


def _cancelled(run: Handle, _: Any) -> None:
    run.set(semconv.STREAM_END, leaving.CANCELLED)


def _piece(run: Run, said: Any) -> None:
    if type(said) is str:
        run.hear(said)


def _over(run: Run, _: Any) -> None:
    run.done = time_ns()


def _over_with(run: Run, said: Any) -> None:
    _piece(run, said)
    _over(run, said)


class Events:
    """What the events of one kind of run are called, and where they say whose they are."""

    __slots__ = ("identity", "result", "told")

    def __init__(
        self, identity: str, result: str, told: Mapping[str, Callable[[Any, Any], None]]
    ) -> None:
        self.identity = identity
        # The class of what is at the end.
        self.result = result
        self.told = told


_RUN: Final[Mapping[str, Callable[[Any, Any], None]]] = {
    "RunContent": _piece,
    "RunError": _failed,
    "RunCancelled": _cancelled,
    "RunCompleted": _over,
}
KINDS: Final = {
    "Agent": Events("agent_id", "RunOutput", _RUN),
    "Team": Events(
        "team_id", "TeamRunOutput", {f"Team{name}": told for name, told in _RUN.items()}
    ),
    "Workflow": Events(
        "workflow_id",
        "WorkflowRunOutput",
        {
            "WorkflowCompleted": _over_with,
            "WorkflowError": _failed,
            "WorkflowCancelled": _cancelled,
        },
    ),
}
