"""How the runs of agents begin: a turn of the main one, a sub-agent in the tool that starts it."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import context as ctx
from otelier import pipeline, wire
from otelier.frameworks import steps
from otelier.frameworks.claude_agent import prompts, told
from otelier.frameworks.claude_agent.agents import Agent, Tool
from otelier.sessions import belonging

LIBRARY: Final = "claude_agent"


def turn(transport: Any, conversation: str | None, offered: Any) -> Agent:
    """The main agent begins with a prompt."""
    here = ctx.current()
    prompt = prompts.following(transport)
    # Who asks, where the one who reads is nobody's.
    if prompt is not None and (_within(prompt.context) or not _within(here)):
        here = prompt.context
    handle = None
    if steps.stands_down(LIBRARY, told.others):
        here = belonging(here, conversation)
    else:
        handle = steps.begin(pipeline.agent(), here, conversation_id=conversation)
    agent = Agent(handle, here)
    content = None if prompt is None else prompt.content
    if content:
        agent.hears(content)
    if handle is not None and handle.wants_content:
        if content:
            handle.set_input([{"role": "user", "content": content}])
        handle.set_system(told.instructions(transport))
        handle.set_tools([{"name": name} for name in wire.items(offered)])
    return agent


def _within(context: Context) -> bool:
    return get_current_span(context).get_span_context().is_valid


def sub(transport: Any, tool: Tool | None, inside: Context, shown: bool) -> Agent:
    """A sub-agent begins, in the tool that has started it, as far as that is known."""
    asked = wire.fields(None if tool is None else tool.asked)
    name = wire.text(asked.get("subagent_type"))
    handle = None
    if shown:
        described = told.described(transport, name)
        handle = steps.begin(pipeline.agent(name, description=described), inside)
    agent = Agent(handle, inside)
    prompt = wire.text(asked.get("prompt"))
    if prompt:
        agent.hears(prompt)
        if handle is not None:
            handle.set_input(prompt)
    return agent
