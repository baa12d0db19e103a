"""Agents: each run is an agent's. What only has a prompt and a model (``LLM``) is none."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, pipeline, statics, wire
from otelier.frameworks.haystack import generators, messages, reading, running, tools
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# What makes of the arguments of a run what is asked, in later versions.
_BEGINNINGS: Final = ("_initialize_fresh_execution", "_initialize_from_snapshot")


class _Run(running.Running):
    """An agent's run."""

    __slots__ = ("whose",)

    # The agent, by its identity: a handle keeps none alive.
    whose: int


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs an agent."""
    owner = module.__dict__.get("Agent")
    if owner is None or "run" not in owner.__dict__:
        raise LookupError("haystack.components.agents.agent.Agent.run")
    wrappers = around(_begin, _finish)
    for name in ("run", "run_async"):
        function = owner.__dict__.get(name)
        if function is not None:
            patches.wrap(owner, name, wrappers[iscoroutinefunction(function)])
    for name in _BEGINNINGS:
        if name in owner.__dict__:
            patches.wrap(owner, name, _prepare)
    return "Agent.run"


def _begin(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    if not running.shown() or _only_asks(type(owner)):
        return None
    name, description = reading.name(owner), None
    if name is None:
        name, description = tools.called_as(owner)
    asks = statics.member(owner, "chat_generator")
    step = pipeline.agent(name, description=description, model=generators.model(asks))
    handle = running.begin(step, _Run, reading.conversation(kwargs, 1))
    if isinstance(handle, _Run):
        handle.whose = id(owner)
        try:
            if handle.wants_content and not _prepares(type(owner)):
                _told(handle, owner, argument(args, kwargs, 0, "messages"))
        except Exception:  # It is there, and has to end.
            guard.failed("haystack.told")
    return handle


def _told(handle: _Run, owner: Any, asked: Any) -> None:
    handle.set_input(asked if type(asked) is str else messages.chat(asked))
    handle.set_system(reading.text(owner, "system_prompt"))
    handle.set_tools(reading.definitions(statics.member(owner, "tools")))


def _only_asks(kind: type) -> bool:
    return any(statics.name(base) == "LLM" and reading.is_own(base) for base in statics.bases(kind))


def _prepares(kind: type) -> bool:
    """Whether what is asked is known later, filled in."""
    return any(statics.on_class(kind, name) is not None for name in _BEGINNINGS)


def _prepare(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """Its prompts are filled in, and its tools chosen."""
    result = wrapped(*args, **kwargs)
    try:
        handle = ctx.current().get(ctx.STEP)
        if type(handle) is _Run and handle.whose == id(owner) and handle.wants_content:
            _prepared(handle, result)
    except Exception:
        guard.failed("haystack.prepare")
    return result


def _prepared(handle: _Run, execution: Any) -> None:
    data = statics.member(statics.member(execution, "state"), "_data")
    asked = messages.chat(data.get("messages")) if type(data) is dict else []
    system = [each["content"] for each in asked if each["role"] == "system"]
    if system:
        handle.set_system("\n".join(system))
    if asked:
        handle.set_input([each for each in asked if each["role"] != "system"])
    chosen = statics.member(execution, "tools")
    if chosen is None:
        inputs = statics.member(execution, "chat_generator_inputs")
        chosen = inputs.get("tools") if type(inputs) is dict else None
    if chosen is not None:
        handle.set_tools(reading.definitions(chosen))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content or type(result) is not dict:
        return
    last = result.get("last_message")
    if last is None:
        said = wire.items(result.get("messages"))
        last = said[-1] if said else None
    answer = messages.chat([last])
    if answer:
        handle.set_output(answer)
