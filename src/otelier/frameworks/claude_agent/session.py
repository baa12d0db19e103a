"""What is open in one connection to the program: the turn, sub-agents, tools."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from otelier import deferred, guard, leaving, wire
from otelier.frameworks.claude_agent import agents, beginnings, told
from otelier.frameworks.claude_agent.agents import Agent
from otelier.frameworks.claude_agent.counts import Totals
from otelier.frameworks.claude_agent.opened import Open
from otelier.scope import Scope

# Tools that never answer must not pile up.
_MOST: Final = 10_000


class Session(Open):
    """One connection; fed by its messages in their order."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport
        self._totals = Totals()
        self._past: deque[Scope] = deque(maxlen=16)
        self._model: str | None = None
        self._offered: Any = None
        self.interrupted = False
        # How the last reader went away.
        self.how: str | None = None
        # Messages that were looked at before the program read them.
        self.ahead: set[int] = set()

    def observe(self, item: Any) -> None:
        """The next message."""
        self.how = None
        kind = item.get("type")
        parent = item.get("parent_tool_use_id")
        if kind == "stream_event":
            agent = self._agents.get(parent)
            if agent is not None:
                agent.streams(item.get("event"))
        elif kind == "assistant":
            self._assistant(item, self._agent(parent, item))
        elif kind == "user":
            self._user(item, parent)
        elif kind == "system":
            self._system(item)
        elif kind == "result":
            self._result(item)
        elif kind == "conversation_reset":
            self._totals = Totals()

    def _assistant(self, item: Any, agent: Agent) -> None:
        agent.says(item)
        for block in wire.items(wire.fields(item.get("message")).get("content")):
            raw = wire.fields(block)
            key = raw.get("id")
            if raw.get("type") != "tool_use" or type(key) is not str or key in self._tools:
                continue
            if len(self._tools) < _MOST:
                self._tools[key] = agent.uses(block)

    def _user(self, item: Any, parent: Any) -> None:
        content = wire.fields(item.get("message")).get("content")
        agent = self._agents.get(parent)
        if agent is None and parent in self._tools:
            agent = self._agent(parent, item)
        if agent is not None:
            agent.hears(content)
        more = wire.fields(item.get("tool_use_result"))
        later = more.get("status") == "async_launched" or more.get("isAsync") is True
        for block in wire.items(content) if type(content) is list else ():
            raw = wire.fields(block)
            key: Any = raw.get("tool_use_id")
            tool = self._tools.pop(key, None) if raw.get("type") == "tool_result" else None
            if tool is None:
                continue
            failed, answer = bool(raw.get("is_error")), raw.get("content")
            if later:
                self._apart[key] = tool
            else:
                self._finish(key, answer, failed)
            agents.close(tool, failed, answer)

    def _system(self, item: Any) -> None:
        subtype = item.get("subtype")
        if subtype == "init":
            self._model = wire.text(item.get("model"))
            self._offered = item.get("tools")
            self._agent(None, item)
        elif subtype == "task_notification":
            key = item.get("tool_use_id")
            if self._apart.pop(key, None) is not None:
                self._finish(key, item.get("summary"), item.get("status") == "failed")

    def _agent(self, parent: Any, item: Any) -> Agent:
        """The agent whose message this is; it begins with the first one."""
        agent = self._agents.get(parent)
        if agent is None:
            agent = self._agents[parent] = (
                self._turn(item) if parent is None else self._sub(parent, item)
            )
        agent.model = self._model
        return agent

    def _turn(self, item: Any) -> Agent:
        self.interrupted = False
        conversation = wire.text(item.get("session_id"))
        return beginnings.turn(self._transport, conversation, self._offered)

    def _sub(self, parent: str, item: Any) -> Agent:
        tool = self._tools.get(parent) or self._apart.get(parent)
        if tool is not None:
            return beginnings.sub(self._transport, tool, tool.context, tool.handle is not None)
        main = self._agent(None, item)
        return beginnings.sub(self._transport, None, main.context, main.handle is not None)

    def _result(self, item: Any) -> None:
        """The turn is over."""
        main = self._agents.get(None)
        used = self._totals.turn(item)
        if main is None:
            return
        reason = item.get("terminal_reason")
        stopped = self.interrupted or (type(reason) is str and reason.startswith("aborted"))
        main.settle(wire.text(item.get("stop_reason")))
        self._leave(leaving.CANCELLED if stopped else leaving.CLOSED, turn=False)
        self._agents.pop(None, None)
        handle = main.handle
        if handle is None:
            return
        if handle.scope is not None:
            if None not in used:
                # A sub-agent in the background may have gone on: its calls are in these totals.
                for each in self._past:
                    each.late()
            handle.scope.settle(*used, handle.context)
            self._past.append(handle.scope)
        said = wire.text(item.get("result"))
        if stopped:
            handle.left(leaving.CANCELLED)
        elif item.get("is_error"):
            errors = told.errors(item)
            # Its result is what a model, or the program, has said instead of an answer: content.
            handle.fail(told.kind(item), errors or said, told=errors is None)
        else:
            if said:
                handle.set_output(said)
            elif item.get("structured_output") is not None:
                handle.set_result(item["structured_output"])
            handle.end()

    def close(self, how: str) -> None:
        """The connection is over, or nobody reads on."""
        self._leave(self.how or how)

    def fail(self, error: BaseException) -> None:
        """Reading has raised: the program has died, or who reads was cancelled."""
        how = leaving.how(error)
        if how is not None:
            # Somebody may read on.
            self.how = how
            return
        main = self._agents.pop(None, None)
        if main is not None:
            main.settle()
        self._leave(leaving.CLOSED)
        if main is not None and main.handle is not None:
            main.handle.end(error)

    def __del__(self) -> None:
        try:
            if not self._agents:
                return
            if deferred.inside_telemetry():
                deferred.defer(lambda: self._leave(leaving.ABANDONED))
            else:
                self._leave(leaving.ABANDONED)
        except Exception:
            guard.failed("claude_agent.dropped")
