"""Agents: one alone is ``invoke_agent``; of several, the workflow is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import pipeline, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.frameworks.llama_index import messages, seen, tools, workflows
from otelier.frameworks.llama_index.conversations import conversation
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.llama_index.workflows import Flow
from otelier.frameworks.steps import Run
from otelier.handle import Handle

# What the framework calls an agent to which nobody has given a name, and how it describes it.
_NAME: Final = "Agent"
_DESCRIPTION: Final = ("An agent that can perform a task", "A single agent that uses the provided")


def begin(entered: Entered) -> Run | None:
    """One agent runs."""
    owner = entered.owner
    given = _given(entered)
    run = seen.begin(
        entered, _step(owner), finish, workflows.fail, conversation_id=conversation(given["memory"])
    )
    if run is not None:
        run.more.held = Flow()
        _told(run.handle, owner)
        _asked(run.handle, given)
    return run


def begin_team(entered: Entered) -> Run | None:
    """Agents run that hand over to each other; where there is but one, that is the step."""
    found = statics.member(entered.owner, "agents")
    agents: dict[str, Any] = found if type(found) is dict else {}
    given = _given(entered)
    conversation_id = conversation(given["memory"])
    if len(agents) == 1:
        (only,) = agents.values()
        run = seen.begin(
            entered, _step(only), finish, workflows.fail, conversation_id=conversation_id
        )
        flow = Flow()
        if run is not None:
            _told(run.handle, only)
    else:
        named = statics.member(entered.owner, "_workflow_name")
        step = pipeline.workflow(named if isinstance(named, str) else None)
        run = seen.begin(entered, step, finish, workflows.fail, conversation_id=conversation_id)
        flow = Flow()
        if run is not None:
            flow.team = Team(agents, run.context)
    if run is not None:
        run.more.held = flow
        _asked(run.handle, given)
    return run


class Team:
    """The agents of a workflow: they work one after the other."""

    __slots__ = ("_agents", "_context", "_handle", "_name")

    def __init__(self, agents: Mapping[str, Any], context: Context) -> None:
        self._agents = agents
        # Of the workflow.
        self._context = context
        self._name: str | None = None
        self._handle: Handle | None = None

    def inside(self, name: Any) -> Context:
        """The context of a step of the workflow; ``name`` is whose turn begins, if one does."""
        if isinstance(name, str) and name != self._name:
            self.over(None)
            self._name = name
            agent = self._agents.get(name)
            if agent is not None:
                self._handle = steps.begin(_step(agent), self._context)
                if self._handle is not None:
                    self._handle.mirror()
                    _told(self._handle, agent)
        return self._context if self._handle is None else self._handle.context

    def over(self, error: BaseException | None) -> None:
        """The turn of who works is over."""
        if self._handle is not None:
            self._handle.end(error)
        self._handle = self._name = None


def _step(agent: Any) -> Step:
    name, description = statics.member(agent, "name"), statics.member(agent, "description")
    described = isinstance(description, str) and not description.startswith(_DESCRIPTION)
    model = statics.member(statics.member(agent, "llm"), "model")
    return pipeline.agent(
        name if isinstance(name, str) and name != _NAME else None,
        description=description if described else None,
        model=model if isinstance(model, str) else None,
    )


def _told(handle: Handle | None, agent: Any) -> None:
    """The instructions and the tools of an agent."""
    if handle is not None and handle.wants_content:
        handle.set_system(statics.member(agent, "system_prompt"))
        handle.set_tools(tools.definitions(statics.member(agent, "tools")))


def _given(entered: Entered) -> Mapping[str, Any]:
    """What a run is given, by the arguments' names."""
    found = workflows.given(entered)
    names = ("user_msg", "chat_history", "memory", "message")
    return {name: found.get(name) for name in names}


def _asked(handle: Handle | None, given: Mapping[str, Any]) -> None:
    if handle is None or not handle.wants_content:
        return
    asked = given["user_msg"] or given["message"]
    said = list(messages.chat(given["chat_history"]))
    if isinstance(asked, str):
        said.append({"role": "user", "content": asked})
    elif asked is not None:
        said += messages.chat([asked])
    handle.set_input(said)


def finish(run: Run, result: Any) -> None:
    """An agent's run is over."""
    if run.handle is not None and run.handle.wants_content:
        found = workflows.answer(result)
        said = statics.member(found, "response")
        text = said if isinstance(said, str) else messages.text(said)
        if text:
            run.handle.set_output(text)
    workflows.over(run, result)


def step(entered: Entered, flow: Flow) -> Context | None:
    """The context of a step of the workflow that agents are."""
    if flow.team is None:
        return None
    name = statics.member(event(entered), "current_agent_name")
    inside: Context = flow.team.inside(name if _begins(entered) else None)
    here = ctx.current()
    return None if here is inside else inside


def event(entered: Entered) -> Any:
    """The event that a step is about."""
    return entered.arguments.get("ev")


def _begins(entered: Entered) -> bool:
    return entered.method in ("setup_agent", "run_agent_step")
