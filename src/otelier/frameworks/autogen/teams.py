"""A team of AutoGen agents: its run is a workflow."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context, create_key

from otelier import context as ctx
from otelier import guard, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.kinds import WORKFLOW

# In the context of a team's run.
RUN: Final = create_key("otelier-autogen-team")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap a team's ``run_stream``, through which ``run`` goes as well."""
    team = getattr(module, "BaseGroupChat", None)
    if team is None or "run_stream" not in team.__dict__:
        raise LookupError("BaseGroupChat.run_stream")
    patches.wrap(team, "run_stream", _run)
    return "BaseGroupChat.run_stream"


class _Team(Step):
    """One run of a team. Its messages are its agents'; what it is asked is the task."""

    __slots__ = ("_task",)

    def __init__(self, name: str | None, task: Any) -> None:
        super().__init__(WORKFLOW, name, {}, {"capture": False})
        self._task = task

    def start(
        self,
        default_name: str | None = None,
        parent: Context | None = None,
        function: Any = None,
        made: type[Handle] = Handle,
    ) -> Handle | NoHandle:
        """Begin it. The function's name is none of the team's."""
        parent = ctx.with_value(ctx.current() if parent is None else parent, RUN, True)
        handle = super().start(parent=parent)
        if type(self._task) is str:
            handle.set_input(self._task)
        return handle


def _run(wrapped: Any, team: Any, args: Any, kwargs: Any) -> Any:
    function = wrapped
    try:
        if steps.shown("autogen", lambda: (wrapped, *_outermost(team))):
            task = argument(args, kwargs, 0, "task")
            function = _Team(_name(team), task)(wrapped)
    except Exception:
        guard.failed("autogen.team")
    return function(*args, **kwargs)


def _outermost(team: Any) -> list[Any]:
    """What callers of a team's ``run_stream`` find: another's wrapper, if one is around ours."""
    kinds = statics.bases(type(team))
    return [found for kind in kinds if (found := vars(kind).get("run_stream")) is not None]


def _name(team: Any) -> str | None:
    """Its name, if somebody gave it one: without, it is that of its class."""
    name = statics.storage(team).get("_name")
    kinds = {each.__name__ for each in statics.bases(type(team))}
    return name if type(name) is str and name not in kinds else None
