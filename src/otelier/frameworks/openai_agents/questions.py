"""What a model of the program's own was asked, and what it answered."""

from __future__ import annotations

from typing import Any

from otelier import guard, statics, wire
from otelier.frameworks.models import Told
from otelier.frameworks.openai_agents import around, told


def of_function(asks: Any) -> Told:
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


def of_arguments(args: Any) -> Told:
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


def answered(found: Told, result: Any) -> Told:
    """The same, with the answer of a model."""
    try:
        found.answer = statics.member(result, "output")
        found.usage = told.used(statics.member(result, "usage"))
        found.response_id = around.text(result, "response_id")
    except Exception:
        guard.failed("openai_agents.answered")
    return found


def streamed(found: Told, event: Any) -> Told:
    """The same, with the answer that the last event of a stream holds."""
    try:
        response = wire.fields(wire.fields(event).get("response"))
        found.answer = response.get("output")
        found.usage = told.used(response.get("usage"))
        found.response_id = wire.text(response.get("id"))
        found.response_model = wire.text(response.get("model"))
    except Exception:
        guard.failed("openai_agents.answered")
    return found
