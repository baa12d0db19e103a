"""Runs of chains and graphs: which of them is an agent, a workflow, or nothing that is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import pipeline, wire
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.frameworks.langchain import agents, endings, models
from otelier.frameworks.langchain.messages import is_answer, is_message, listed, message
from otelier.frameworks.langchain.open_runs import conversation, runs, user
from otelier.handle import Handle

# A type's name says nothing of what a chain is for.
_TYPES: Final = frozenset({"LangGraph", "CompiledGraph", "CompiledStateGraph", "StateGraph"})
# Agents that say so by their own name alone: LangChain's executor of before 1.0.
_EXECUTORS: Final = frozenset({"AgentExecutor"})
# Frameworks that say at the root that they made this graph as an agent.
_MAKERS: Final = frozenset({"langchain_create_agent", "deepagents"})
# Filling in a prompt and reading an answer are no workflows.
_PARTS: Final = frozenset({"prompt", "parser"})
_NODE: Final = "graph:step:"
# How parts of graphs, sequences and parallels are tagged.
_INNER: Final = (_NODE, "seq:step:", "map:key:")
_HIDDEN: Final = "langsmith:hidden"


def begin(
    serialized: Any,
    inputs: Any,
    run_id: Any,
    parent_id: Any,
    tags: Any,
    metadata: Any,
    name: Any,
    run_type: Any,
) -> None:
    """A run begins."""
    metadata = metadata or {}
    root = _root(parent_id, tags or ())
    step, agent = _step(_name(serialized, name), root, tags or (), metadata, run_type)
    thread, whose = conversation(metadata), user(metadata)
    if step is None:
        if not root:
            thread = whose = None
        runs.pass_by(run_id, parent_id, conversation_id=thread, user_id=whose)
        return
    run = runs.begin(run_id, parent_id, step, conversation_id=thread, user_id=whose)
    if run is None or run.handle is None:
        return
    handle = run.handle
    if agent is not None:
        agents.describe(handle, agent)
    scope = handle.scope
    if scope is not None:
        if scope.agent is scope:
            handle.mirror()
        if handle.wants_content and not _later(inputs):
            _asked(handle, inputs)


def end(run_id: Any, outputs: Any, inputs: Any, error: BaseException | None) -> None:
    """A run ends. ``inputs`` is what a streamed one was given."""
    run = runs.pop(run_id)
    if run is None or run.handle is None:
        return
    handle = run.handle
    if handle.scope is not None and handle.wants_content:
        if inputs is not None:
            _asked(handle, inputs)
        if error is None:
            _answered(handle, outputs)
    endings.end(handle, error)


def _name(serialized: Any, name: Any) -> str:
    if type(name) is str:
        return name
    # Before 0.1 had names.
    path = wire.items(wire.fields(serialized).get("id"))
    return path[-1] if path and type(path[-1]) is str else ""


def _root(parent_id: Any, tags: Any) -> bool:
    """Whether nothing of LangChain's is above a run; a function that LangSmith traces may be."""
    if parent_id is None:
        return True
    if runs.of(parent_id) is not None or models.runs_now(parent_id):
        return False
    # Part of one that began when nobody looked.
    return not any(type(tag) is str and tag.startswith(_INNER) for tag in tags)


def _step(
    name: str, root: bool, tags: Any, metadata: Mapping[str, Any], run_type: Any
) -> tuple[Step | None, agents.Agent | None]:
    """What a run is, and the agent that it is one of, if that was seen when it was made."""
    made = agents.begins()
    if made is not None:
        agent, graph = made
        return pipeline.agent(agent.name or _own(graph)), agent
    told = metadata.get("lc_agent_name")
    node = any(type(tag) is str and tag.startswith(_NODE) for tag in tags)
    # What is inside of an agent inherits its metadata, under names of its own.
    if type(told) is str and told and not node and (root or name == told):
        return pipeline.agent(told), None
    if name in _EXECUTORS or (root and metadata.get("ls_integration") in _MAKERS):
        return pipeline.agent(), None
    if root and run_type not in _PARTS:
        return pipeline.workflow(_own(name)), None
    if steps.inner_steps() and _HIDDEN not in tags:
        return pipeline.step(name), None
    return None, None


def _later(inputs: Any) -> bool:
    """Whether this is what a streamed chain is told: its input comes at the end."""
    only = inputs.get("input") if type(inputs) is dict and len(inputs) == 1 else None
    return type(only) is str and not only


def _own(name: str) -> str | None:
    """A name that somebody gave; None for one of a type."""
    return None if name in _TYPES or name.startswith("Runnable") else name


def _asked(handle: Handle, inputs: Any) -> None:
    found, rest = _messages(inputs)
    if rest is not None:
        handle.set_arguments(rest)
    if found:
        handle.set_input(found)


def _answered(handle: Handle, outputs: Any) -> None:
    found, rest = _messages(outputs)
    # A state has all that was said before as well.
    found = [each for each in found[-1:] if is_answer(each)]
    if rest is not None:
        handle.set_result(rest)
    if found:
        handle.set_output(found)


def _messages(value: Any) -> tuple[list[dict[str, Any]], Any]:
    """The messages of a state, or of what a chain is given or gives; and all else of it."""
    if is_message(value):
        told = message(value)
        return ([told] if told else []), None
    if issubclass(type(value), dict):
        state = wire.fields(value)
        found = listed(state.get("messages"))
        if not found:
            return [], value if state else None
        return found, {key: state[key] for key in state if key != "messages"} or None
    found = listed(value)
    return (found, None) if found else ([], value)
