"""Runs by the SDK's runner: whose conversation they are, and what their spans do not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, statics, tightening, whose, wire
from otelier.frameworks.openai_agents import around
from otelier.frameworks.openai_agents.around import Run
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave
from otelier.sessions import belonging
from otelier.setting_texts import Capture


def patch(library: str, module: Any, patches: Patches) -> str:
    """Tell what runs inside of a runner's run whose it is. What runs is not changed."""
    owner = statics.storage(module).get("AgentRunner")
    for method in ("run", "run_streamed"):
        if method not in getattr(owner, "__dict__", {}):
            raise LookupError(f"AgentRunner.{method}")
    private = _default(statics.storage(module).get("RunConfig"))

    async def run(wrapped: Callable[..., Any], runner: Any, args: Any, kwargs: Any) -> Any:
        context = _inside(args, kwargs, private)
        if context is None:
            return await wrapped(*args, **kwargs)
        token = ctx.attach(context)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            leave(token)
            # As the SDK does it: an exception's traceback holds nothing of the run.
            args = kwargs = None

    def run_streamed(wrapped: Callable[..., Any], runner: Any, args: Any, kwargs: Any) -> Any:
        context = _inside(args, kwargs, private)
        if context is None:
            return wrapped(*args, **kwargs)
        # The task in which it runs has its context from here.
        token = ctx.attach(context)
        found = around.run()
        if found is not None:
            found.prepares = whose.here()
        try:
            return wrapped(*args, **kwargs)
        finally:
            leave(token)
            if found is not None:
                found.prepares = None
            args = kwargs = None

    patches.wrap(owner, "run", run)
    patches.wrap(owner, "run_streamed", run_streamed)
    return "AgentRunner"


def _default(kind: Any) -> Callable[[], bool]:
    """Whether a run without a configuration keeps its data to itself: the environment says so."""
    fields: Any = getattr(kind, "__dataclass_fields__", {})
    factory = getattr(fields.get("trace_include_sensitive_data"), "default_factory", None)

    def private() -> bool:
        return callable(factory) and factory() is False

    return private


def _inside(args: Any, kwargs: Any, private: Callable[[], bool]) -> Context | None:
    """The context of a run, or None where nothing is to be seen. Never raises."""
    try:
        if not around.seen():
            return None
        agent = argument(args, kwargs, 0, "starting_agent")
        given = argument(args, kwargs, 1, "input")
        config = kwargs.get("run_config")
        context = ctx.current()
        conversation = _conversation(config, given, kwargs)
        if conversation:
            context = belonging(context, conversation)
        hidden = statics.member(config, "trace_include_sensitive_data") is False
        hidden = hidden or (config is None and private())
        if hidden:
            context = tightening.narrowed(context, Capture.NO_CONTENT)
        handlers = wire.fields(kwargs.get("error_handlers"))
        endless = handlers.get("max_turns") is not None
        run = Run(_several(agent), around.model(config), endless, hidden)
        return around.with_run(context, run)
    except Exception:
        guard.failed("openai_agents.run")
        return None


def _conversation(config: Any, given: Any, kwargs: Any) -> str | None:
    group = around.text(config, "group_id")
    if group:
        return group
    outer = around.trace()
    if outer is not None and outer.grouped:
        return None
    named = kwargs.get("conversation_id")
    if type(named) is str and named:
        return named
    # A run that goes on knows its own; sessions of the program's own may do anything when asked.
    return around.text(given, "_conversation_id") or around.text(
        kwargs.get("session"), "session_id", "_session_id"
    )


def _several(agent: Any) -> bool:
    handoffs = statics.member(agent, "handoffs")
    return type(handoffs) is list and bool(handoffs)
