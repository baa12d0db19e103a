"""Runs of chains and graphs: which of them is an agent, a workflow, or nothing that is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import pipeline, wire
from otelier.declared import Step
from otelier.frameworks.langchain import agents, endings
from otelier.frameworks.langchain.messages import is_answer, is_message, listed, message
from otelier.frameworks.langchain.open_runs import all_steps, conversation, runs
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
_HIDDEN: Final = "langsmith:hidden"
# What a chain is told that is streamed: its input comes at the end.
_LATER: Final = {"input": ""}


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
    step, agent = _step(_name(serialized, name), parent_id, tags or (), metadata, run_type)
    thread = conversation(metadata)
    if step is None:
        runs.pass_by(run_id, parent_id, conversation_id=thread if parent_id is None else None)
        return
    run = runs.begin(run_id, parent_id, step, conversation_id=thread)
    if run is None or run.handle is None:
        return
    handle = run.handle
    if agent is not None:
        agents.describe(handle, agent)
    if handle.scope is not None:
        handle.mirror()
        if handle.wants_content and inputs != _LATER:
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


def _step(
    name: str, parent_id: Any, tags: Any, metadata: Mapping[str, Any], run_type: Any
) -> tuple[Step | None, agents.Agent | None]:
    """What a run is, and the agent that it is one of, if that was seen when it was made."""
    made = agents.begins(name)
    if made is not None:
        return pipeline.agent(made.name or _own(name)), made
    told = metadata.get("lc_agent_name")
    node = any(type(tag) is str and tag.startswith(_NODE) for tag in tags)
    root = parent_id is None
    # What is inside of an agent inherits its metadata, under names of its own.
    if type(told) is str and told and not node and (root or name == told):
        return pipeline.agent(told), None
    if name in _EXECUTORS or (root and metadata.get("ls_integration") in _MAKERS):
        return pipeline.agent(), None
    if root and run_type not in _PARTS:
        return pipeline.workflow(_own(name)), None
    if all_steps() and _HIDDEN not in tags:
        return pipeline.step(name), None
    return None, None


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
            return [], value or None
        return found, {key: state[key] for key in state if key != "messages"} or None
    found = listed(value)
    return (found, None) if found else ([], value)
