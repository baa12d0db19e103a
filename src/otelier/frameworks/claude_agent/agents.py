"""One agent of the program's: the model calls and the tools that its messages tell of."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context

from otelier import pipeline, semconv, wire
from otelier.executed import Executed, Joined
from otelier.frameworks import models, steps
from otelier.frameworks.claude_agent import counts
from otelier.handle import Handle
from otelier.hooks import runners
from otelier.model_runs import ModelRun, now
from otelier.semconv import Attributes
from otelier.usage import Usage

# The program's own word for a message that no model has written.
_SYNTHETIC: Final = "<synthetic>"


class Chat:
    """One model call: the messages of one id, a content block each."""

    __slots__ = ("asked", "began", "blocks", "error", "key", "last", "model", "stop", "used")

    def __init__(self, key: Any, model: str | None, began: tuple[float, int], asked: Any) -> None:
        self.key = key
        self.model = model
        self.began = self.last = began
        self.asked = asked
        self.blocks: list[Any] = []
        self.used: Usage | None = None
        self.stop: str | None = None
        self.error: str | None = None

    def count(self, raw: Any) -> None:
        """What is told with each of the messages: the last word is the highest one."""
        told = counts.usage(raw)
        if told is None or self.used is None:
            self.used = told or self.used
            return
        for name in told.__slots__:
            value, held = getattr(told, name), getattr(self.used, name)
            if value is not None and (held is None or value > held):
                setattr(self.used, name, value)


class McpTool(Executed):
    """A tool that may run in this process, where it has a name without its server's."""

    __slots__ = ()

    def join(
        self,
        function: Any,
        name: str | None,
        default_name: str | None,
        attributes: Attributes,
        private: bool,
    ) -> Joined | None:
        """Become what is declared in it, by the name that it has in its server."""
        full = self._attributes.get(semconv.TOOL_NAME)
        bare = full.split("__", 2)[-1] if isinstance(full, str) else None
        if bare is not None and bare in (name, default_name):
            default_name = full if isinstance(full, str) else None
        return super().join(function, name, default_name, attributes, private)


class Tool:
    """A tool that the model has asked for and that has not answered."""

    __slots__ = ("asked", "context", "handle", "name", "running")

    def __init__(
        self, handle: Handle | None, context: Context, name: str | None, asked: Any
    ) -> None:
        self.name = name
        self.handle = handle
        self.context = context
        self.asked = asked
        # Whether this process runs it already.
        self.running = False


class Agent:
    """A run of the main agent (a turn) or of a sub-agent."""

    __slots__ = ("_chat", "_heard", "_mark", "context", "handle", "history", "model")

    def __init__(self, handle: Handle | None, context: Context) -> None:
        self.handle = handle
        # Where its calls belong.
        self.context = context if handle is None else handle.context
        self.model: str | None = None
        # What its next call is asked, as far as this turn has told; None where nobody wants it.
        self.history: list[Any] | None = [] if handle is None or handle.wants_content else None
        self._chat: Chat | None = None
        # What came while the blocks of a call were coming: tools may answer before the last one.
        self._heard: list[Any] = []
        # When the next call begins at the earliest.
        self._mark = now()

    def hears(self, content: Any) -> None:
        """A prompt, or the results of tools."""
        if self.history is not None and content:
            into = self.history if self._chat is None else self._heard
            into.append({"role": "user", "content": content})
        self._mark = now()

    def says(self, item: Any) -> None:
        """A message of the model's: the next block of a call, or the first one."""
        said = wire.fields(item.get("message"))
        model, key = said.get("model"), said.get("id")
        failed = item.get("error")
        if model == _SYNTHETIC and not failed:
            return
        chat = self._chat
        if chat is None or chat.key != key or key is None:
            self.settle()
            model = wire.text(model) if model != _SYNTHETIC else self.model
            asked = None if self.history is None else list(self.history)
            chat = self._chat = Chat(key, model, self._mark, asked)
        chat.last = self._mark = now()
        chat.stop = wire.text(said.get("stop_reason")) or chat.stop
        if type(failed) is str:
            chat.error = failed
        else:
            chat.count(said.get("usage"))
        if self.history is not None:
            chat.blocks += wire.items(said.get("content"))

    def streams(self, event: Any) -> None:
        """A piece of an answer: the last one says what all of it used."""
        if type(event) is not dict or event.get("type") != "message_delta" or self._chat is None:
            return
        chat = self._chat
        chat.last = self._mark = now()
        chat.stop = wire.text(wire.fields(event.get("delta")).get("stop_reason")) or chat.stop
        told = counts.usage(event.get("usage"))
        if told is not None and told.output is not None:
            usage_of = chat.used or Usage()
            usage_of.output = told.output
            chat.used = usage_of

    def uses(self, block: Any) -> Tool:
        """The model asks for a tool, which the program runs at once."""
        raw = wire.fields(block)
        name, key, asked = wire.text(raw.get("name")), wire.text(raw.get("id")), raw.get("input")
        handle = None
        if self.handle is not None:
            step = pipeline.tool(name, call_id=key)
            handle = steps.begin(step, self.context, made=McpTool)
        if handle is not None and asked is not None:
            handle.set_arguments(asked)
        return Tool(handle, self.context if handle is None else handle.context, name, asked)

    def settle(self, stop: str | None = None) -> None:
        """The call that was open is over: it has its span."""
        chat, self._chat = self._chat, None
        if chat is None:
            return
        run = ModelRun(self.context)
        run.began = chat.began
        told = models.Told(provider="anthropic", model=chat.model, usage=chat.used)
        told.finish_reasons = [chat.stop or stop] if chat.stop or stop else []
        if chat.error is not None:
            told.error = chat.error
            texts = [wire.text(wire.fields(each).get("text")) for each in chat.blocks]
            told.error_message = " ".join(text for text in texts if text) or None
        else:
            told.response_model = chat.model
            told.response_id = wire.text(chat.key)
        if self.history is not None:
            answer = {"role": "assistant", "content": chat.blocks}
            told.asked = chat.asked or None
            if chat.error is None and chat.blocks:
                told.answer = answer
                self.history.append(answer)
            self.history += self._heard
            self._heard = []
        models.over(run, told, ended=chat.last)


def close(tool: Tool, failed: bool, content: Any) -> None:
    """A tool has answered."""
    if tool.handle is not None:
        runners.close_tool(tool.handle, failed, content)
