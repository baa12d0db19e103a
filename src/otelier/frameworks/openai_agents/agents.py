"""What an agent works by: its instructions and its tools, as it has them in this very run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import guard, semconv, statics
from otelier.frameworks.openai_agents import around, told
from otelier.frameworks.openai_agents.around import AgentRun
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """See what an agent gives when the runner asks for its instructions and its tools."""
    agent = statics.storage(module).get("Agent")
    owners = {}
    for method in _TELLING:
        mro = statics.bases(agent) if isinstance(agent, type) else ()
        owner = next((each for each in mro if method in each.__dict__), None)
        if owner is None:
            raise LookupError(f"Agent.{method}")
        owners[method] = owner
    for method, tell in _TELLING.items():
        patches.wrap(owners[method], method, _after(tell))
    return "Agent"


def _after(tell: Callable[[Any, Any], None]) -> Callable[..., Any]:
    async def ask(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
        result = await wrapped(*args, **kwargs)
        try:
            tell(agent, result)
        except Exception:
            guard.failed("openai_agents.agents")
        return result

    return ask


def _running(agent: Any) -> AgentRun | None:
    """The step of this agent, if that is what runs here."""
    found = around.agent()
    return found if found is not None and found.name == around.text(agent, "name") else None


def _instructions(agent: Any, text: Any) -> None:
    found = _running(agent)
    if found is None:
        return
    if text and found.wants_content:
        found.set_system(text)
    if found.asked:
        return
    found.asked = True
    run = around.run()
    model = (run.model if run is not None else None) or around.model(agent)
    found.model = model
    if model:
        found.set(semconv.REQUEST_MODEL, model)
    description = around.text(agent, "handoff_description")
    if description:
        found.set(semconv.AGENT_DESCRIPTION, description)


def _tools(agent: Any, tools: Any) -> None:
    if type(tools) is not list:
        return
    offered = {name: tool for tool in tools if (name := around.text(tool, "name"))}
    found = _running(agent)
    if found is not None:
        known, found.tools = found.tools, offered
        if known.keys() != offered.keys():
            told.offer(found)
        return
    run, name = around.run(), around.text(agent, "name")
    if run is not None and name:
        # Some versions ask before the agent's span has started.
        run.offered[name] = offered


_TELLING: Final[dict[str, Callable[[Any, Any], None]]] = {
    "get_system_prompt": _instructions,
    "get_all_tools": _tools,
}
