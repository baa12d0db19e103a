"""Agents and tools that are open in one connection, and how they end."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from otelier import wire
from otelier.frameworks.claude_agent.agents import Agent, Tool


class Open:
    """What has begun and not ended."""

    def __init__(self) -> None:
        # The main agent is that of None, a sub-agent that of the tool call that has started it.
        self._agents: dict[str | None, Agent] = {}
        self._tools: dict[str, Tool] = {}
        # Tools that have answered, and whose sub-agents go on.
        self._apart: dict[str, Tool] = {}

    def context(self, key: Any = None, name: str | None = None) -> Context | None:
        """Inside the open tool of that id or else that name; inside the turn where none is asked.

        A tool found by its name is that of the next call of it.
        """
        tool = self._tools.get(key) if type(key) is str else None
        if tool is None and name is not None:
            for each in self._tools.values():
                if not each.running and each.name == name:
                    tool = each
                    break
        if tool is not None:
            tool.running = tool.running or name is not None
            return tool.context
        main = self._agents.get(None)
        return None if main is None else main.context

    def _finish(self, key: Any, answer: Any, failed: bool) -> None:
        """A sub-agent is over."""
        agent = self._agents.pop(key, None)
        if agent is None:
            return
        agent.settle()
        if agent.handle is None:
            return
        if failed:
            agent.handle.fail("agent_error", wire.text(answer), told=True)
            return
        content = answer if type(answer) is str else list(wire.items(answer))
        if content:
            agent.handle.set_output({"role": "assistant", "content": content})
        agent.handle.end()

    def _leave(self, how: str, turn: bool = True) -> None:
        """End what nobody waits for: tools and sub-agents of the turn, and it as well."""
        for key in [each for each in reversed(self._agents) if each is not None]:
            if turn or key not in self._apart:
                self._left(self._agents.pop(key), how)
        while self._tools:
            _, tool = self._tools.popitem()
            if tool.handle is not None:
                tool.handle.left(how)
        if turn:
            self._apart.clear()
            while self._agents:
                self._left(self._agents.popitem()[1], how)

    def _left(self, agent: Agent, how: str) -> None:
        agent.settle()
        if agent.handle is not None:
            agent.handle.left(how)
