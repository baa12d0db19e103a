"""Graphs that were made as agents, by ``create_agent`` and ``create_react_agent``.

Newer versions say so in the metadata of each run, older ones nowhere. What an agent was made of is
kept beside the graph's builder, which all copies of the graph share; that its run begins is seen
by the graph's asking itself for its name, just before it tells its callbacks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final
from weakref import WeakKeyDictionary

from otelier import guard, statics, wire
from otelier.frameworks.langchain import bound
from otelier.frameworks.langchain.messages import message
from otelier.handle import Handle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

# Modules that have the functions by name as well.
_ALSO: Final = (
    "langchain.agents",
    "langgraph.prebuilt",
    "deepagents.graph",
    "deepagents.middleware.subagents",
)
_FUNCTIONS: Final = ("create_agent", "create_react_agent")


# By which of its arguments each says the instructions, and its tools.
_SYSTEM: Final = ("system_prompt", "prompt", "state_modifier", "messages_modifier")


# The methods that run a graph, and how many overridden get_name() may be between.
_RUNS: Final = ("stream", "astream")
_DEEPEST: Final = 3


@dataclass(slots=True)
class Agent:
    """What an agent was made of."""

    name: str | None
    tools: list[dict[str, Any]]
    system: str | None


_made: WeakKeyDictionary[Any, Agent] = WeakKeyDictionary()
# The agent whose run is about to begin, and the graph's own name.
_asked: ContextVar[tuple[Agent, str] | None] = ContextVar("otelier-langchain-agent", default=None)


def begins() -> tuple[Agent, str] | None:
    """The agent whose run begins here, and the name of its graph: the run may have another."""
    held = _asked.get()
    if held is not None:
        _asked.set(None)
    return held


def describe(handle: Handle, agent: Agent) -> None:
    """Tell what the agent works by and with."""
    if handle.wants_content:
        handle.set_tools(agent.tools)
        handle.set_system(agent.system)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the functions of ``module`` that make agents."""
    names = [name for name in _FUNCTIONS if name in vars(module)]
    if not names:
        raise LookupError(f"no {' or '.join(_FUNCTIONS)} in {module.__name__}")

    def make(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        graph = wrapped(*args, **kwargs)
        try:
            _remember(graph, args, kwargs, patches)
        except Exception:
            guard.failed("langchain.agents")
        return graph

    for name in names:
        bound.wrap(patches, module, name, make, _ALSO)
    graph = statics.loaded("langgraph.graph.state", "CompiledStateGraph")
    if graph is not None:
        _ask(graph, patches)
    return " and ".join(names)


def _remember(graph: Any, args: Any, kwargs: Any, patches: Patches) -> None:
    builder = statics.storage(graph).get("builder")
    if builder is None:
        return
    tools = _tools(builder, argument(args, kwargs, 1, "tools"))
    _made[builder] = Agent(
        kwargs.get("name") or None,
        [_definition(tool) for tool in tools],
        next(filter(None, (_text(kwargs.get(name)) for name in _SYSTEM)), None),
    )
    _ask(type(graph), patches)


def _ask(kind: type, patches: Patches) -> None:
    """See when graphs of this kind are asked for their name."""
    if "get_name" not in vars(kind):
        patches.add(kind, "get_name", _naming(kind))


def _tools(builder: Any, given: Any) -> list[Any]:
    """The tools of the graph's node for them (of middleware, too), and those of the provider's."""
    node = wire.fields(statics.storage(builder).get("nodes")).get("tools")
    held = statics.storage(statics.member(node, "runnable", node))
    by_name = wire.fields(held.get("tools_by_name") or held.get("_tools_by_name"))
    if not by_name:
        # Some version has them elsewhere, or was given the node.
        held = statics.storage(given)
        by_name = wire.fields(held.get("tools_by_name") or held.get("_tools_by_name"))
    found = [*by_name.values()] or list(wire.items(given))
    found += [tool for tool in wire.items(given) if by_name and issubclass(type(tool), dict)]
    return found


def _naming(kind: Any) -> Callable[..., str]:
    def get_name(self: Any, *args: Any, **kwargs: Any) -> str:
        name: str = super(kind, self).get_name(*args, **kwargs)
        try:
            if _of_a_run():
                agent = _made.get(self.builder)
                _asked.set(None if agent is None else (agent, name))
        except Exception:
            guard.failed("langchain.agents")
        return name

    return get_name


def _of_a_run() -> bool:
    """Whether a graph that begins to run asks, and neither another graph nor a program."""
    frame = sys._getframe(2)
    for _ in range(_DEEPEST):
        if frame.f_code.co_name in _RUNS:
            return str(frame.f_globals.get("__name__")).startswith("langgraph.pregel")
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def _definition(tool: Any) -> dict[str, Any]:
    """What is known of a tool without running a line of the program's."""
    kind = type(tool)
    if issubclass(kind, dict):
        return tool  # type: ignore[no-any-return]
    if kind is FunctionType:
        return {"name": tool.__name__, "description": tool.__doc__}
    held = statics.storage(tool)
    found = {name: held[name] for name in ("name", "description") if name in held}
    if issubclass(type(held.get("args_schema")), dict):
        found["parameters"] = held["args_schema"]
    return found


def _text(value: Any) -> str | None:
    """The instructions, where they are a text or a message of texts."""
    told = message(value)
    if told is None:
        return None
    content = told["content"]
    if issubclass(type(content), str):
        return content  # type: ignore[no-any-return]
    texts = [wire.text(wire.fields(block).get("text")) for block in wire.items(content)]
    return "\n".join(text for text in texts if text) or None
