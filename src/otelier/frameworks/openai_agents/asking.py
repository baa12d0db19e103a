"""Models that an agent asks: one that no SDK's hook has seen gets its span here.

A model of the program's own, or a fake one, is asked by the runner like any other. Newer versions
ask by two functions that take what asks; older ones by one that takes what is asked, and their
streams are seen only of models that make the SDK's own spans (``spans``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from otelier import guard, statics, wire
from otelier.frameworks import models
from otelier.frameworks.models import Told
from otelier.frameworks.openai_agents import around, told
from otelier.hooks.patching import Patches
from otelier.model_runs import ModelRun

_WHOLE, _STREAM = "get_response_with_retry", "stream_response_with_retry"
_WITHOUT_RETRY, _OLDER = "get_new_response", "_get_new_response"


def patch(library: str, module: Any, patches: Patches) -> str:
    """See a model being asked."""
    held = statics.storage(module)
    if _WHOLE in held and _STREAM in held:
        patches.wrap(module, _WHOLE, _whole)
        patches.wrap(module, _STREAM, _stream)
        return f"{_WHOLE} and {_STREAM}"
    if _WITHOUT_RETRY in held and module.__name__ != "agents.run":
        patches.wrap(module, _WITHOUT_RETRY, _older)
        return _WITHOUT_RETRY
    owner = held.get("AgentRunner")
    if _OLDER not in getattr(owner, "__dict__", {}):
        raise LookupError(_WHOLE)
    patches.wrap(owner, _OLDER, _older)
    return f"AgentRunner.{_OLDER}"


def _begin() -> ModelRun | None:
    return models.begin() if around.seen() and around.agent() is not None else None


async def _whole(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    run = _begin()
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        if run is not None:
            models.over(run, _asked(kwargs.get("get_response")), error)
        raise
    if run is not None:
        # Nothing is looked at where a hook has seen the call.
        models.over(run, Told() if run.seen else _answered(kwargs.get("get_response"), result))
    return result


async def _older(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    run = _begin()
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        models.over(run, _named(args), error)
        raise
    if run is not None:
        models.over(run, Told() if run.seen else _with_answer(_named(args), result))
    return result


def _stream(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    stream = wrapped(*args, **kwargs)
    try:
        if around.seen() and around.agent() is not None:
            return _read(stream, kwargs.get("get_stream"))
    except Exception:
        guard.failed("openai_agents.stream")
    return stream


async def _read(stream: Any, asks: Any) -> AsyncIterator[Any]:
    """The runner's own stream of events, of which the last tells the answer."""
    run, last = _begin(), None
    try:
        async for event in stream:
            last = event
            yield event
    except BaseException as error:
        if run is not None:
            models.over(run, _asked(asks), error)
        raise
    finally:
        await stream.aclose()
    if run is not None:
        models.over(run, Told() if run.seen else _streamed(asks, last))


def _asked(asks: Any) -> Told:
    """What the model is asked, as the function that asks it holds it."""
    try:
        names = asks.__code__.co_freevars
        free = dict(zip(names, (each.cell_contents for each in asks.__closure__), strict=False))
        data = free.get("filtered")
        return Told(
            model=_model(free.get("model")),
            asked=statics.member(data, "input"),
            system=statics.member(data, "instructions"),
            tools=told.definitions(free.get("all_tools") or ()),
        )
    except Exception:
        guard.failed("openai_agents.asked")
        return Told()


def _model(model: Any) -> str | None:
    """The name that a model's object has; that of a model of the program's own may be anywhere."""
    found = around.text(model, "model", "model_name", "_model")
    if found is not None:
        return found
    run, agent = around.run(), around.agent()
    named = run.model if run is not None else None
    return named or (agent.model if agent is not None else None)


def _named(args: Any) -> Told:
    """The same, of what older versions are given."""
    try:
        agent, system, asked = args[0], args[1], args[2]
        tools = args[4] if len(args) > 4 else ()
        return Told(
            model=around.model(agent), asked=asked, system=system, tools=told.definitions(tools)
        )
    except Exception:
        guard.failed("openai_agents.asked")
        return Told()


def _answered(asks: Any, result: Any) -> Told:
    return _with_answer(_asked(asks), result)


def _with_answer(found: Told, result: Any) -> Told:
    try:
        found.answer = statics.member(result, "output")
        found.usage = told.used(statics.member(result, "usage"))
        found.response_id = around.text(result, "response_id")
    except Exception:
        guard.failed("openai_agents.answered")
    return found


def _streamed(asks: Any, event: Any) -> Told:
    found = _asked(asks)
    try:
        response = wire.fields(wire.fields(event).get("response"))
        found.answer = response.get("output")
        found.usage = told.used(response.get("usage"))
        found.response_id = wire.text(response.get("id"))
        found.response_model = wire.text(response.get("model"))
    except Exception:
        guard.failed("openai_agents.answered")
    return found
