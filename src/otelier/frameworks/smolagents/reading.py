"""What smolagents' objects say, looked at as they are stored: nothing of the program's runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import statics, wire

_MODELS: Final = "smolagents.models"
_BY_LITELLM: Final = frozenset({"LiteLLMModel"})
# Where smolagents' own steps are made, of which none but the last is an answer.
_STEPS: Final = ("smolagents.memory", "smolagents.agents", _MODELS)
_PICTURES: Final = tuple((f"smolagents.{name}", "AgentImage") for name in ("agent_types", "types"))
# As smolagents says them to models.
_ROLES: Final = {"tool-call": "assistant", "tool-response": "user"}


def text(value: Any, name: str) -> str | None:
    """A stored text; None where there is none."""
    return wire.text(statics.member(value, name))


def is_a(kind: type, module: str, names: frozenset[str]) -> bool:
    """Whether a class is one of smolagents' own of these names, or is made of one."""
    return any(
        statics.name(base) in names and statics.identity(base)[0] == module
        for base in statics.bases(kind)
    )


def model(agent: Any) -> str | None:
    """The model that an agent uses.

    None where a provider may be in its name, as LiteLLM has it: that is no part of the model's.
    """
    used = statics.member(agent, "model")
    name = text(used, "model_id")
    if name is not None and "/" in name and is_a(type(used), _MODELS, _BY_LITELLM):
        return None
    return name


def instructions(agent: Any) -> str | None:
    """What an agent works by."""
    held = statics.member(statics.member(agent, "memory"), "system_prompt")
    # In older versions the agent has it.
    return text(held, "system_prompt") or text(agent, "system_prompt")


def offered(agent: Any) -> list[dict[str, Any]]:
    """The tools of an agent, and the agents that it manages, as a model has them."""
    tools = statics.member(agent, "tools")
    if type(tools) is not dict:
        # Before 1.8 in a box.
        tools = statics.member(statics.member(agent, "_toolbox"), "_tools")
    found = [definition(each) for each in _values(tools)]
    return found + [definition(each) for each in _values(statics.member(agent, "managed_agents"))]


def _values(held: Any) -> Iterator[Any]:
    yield from list(held.values()) if type(held) is dict else ()


def definition(tool: Any) -> dict[str, Any]:
    """A tool as a model has it."""
    inputs = wire.fields(statics.member(tool, "inputs"))
    needed = [name for name, each in inputs.items() if not wire.fields(each).get("nullable")]
    schema: dict[str, Any] = {"type": "object", "properties": dict(inputs)}
    if needed:
        schema["required"] = needed
    return {
        "name": text(tool, "name"),
        "description": text(tool, "description"),
        "parameters": schema,
    }


def arguments(tool: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """A tool's arguments by their names."""
    given = {name: value for name, value in kwargs.items() if name != "sanitize_inputs_outputs"}
    if not args:
        return given
    names = wire.fields(statics.member(tool, "inputs"))
    if len(args) == 1 and not given and type(args[0]) is dict and names.keys() >= args[0].keys():
        return args[0]
    return {**dict(zip(names, args, strict=False)), **given}


def answer(result: Any) -> tuple[bool, Any]:
    """Whether this is what an agent answers, and that: the end of a stream, a result, a value."""
    module, name = statics.identity(type(result))
    if name in ("FinalAnswerStep", "RunResult") and module in _STEPS:
        # Before 1.16 the answer is the step's under another name.
        held = statics.storage(result)
        result = held["output"] if "output" in held else held.get("final_answer")
    elif module in _STEPS:
        return False, None
    return True, plain(result)


def plain(value: Any) -> Any:
    """A text or a picture as it is: smolagents makes some of a class of its own."""
    if issubclass(type(value), str):
        return str.__str__(value)
    if statics.identity(type(value)) in _PICTURES:
        return statics.member(value, "_raw") or value
    return value


def message(said: Any) -> dict[str, Any] | None:
    """A chat message, as the conventions have it."""
    held = said if type(said) is dict else statics.storage(said)
    role = held.get("role")
    if role is None:
        return None
    # Roles are an enumeration of texts.
    role = str.__str__(role) if issubclass(type(role), str) else "user"
    parts = [*_parts(held.get("content")), *_calls(held.get("tool_calls"))]
    return {"role": _ROLES.get(role, role), "parts": parts}


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    if issubclass(type(content), str):
        yield {"type": "text", "content": str.__str__(content)}
    for block in map(wire.fields, wire.items(content)):
        if block.get("type") == "text":
            yield {"type": "text", "content": wire.text(block.get("text")) or ""}
        elif block.get("type") is not None:
            # An object of the program's, or very long: no part of what is recorded.
            yield {"type": block["type"]}


def _calls(calls: Any) -> Iterator[dict[str, Any]]:
    for call in wire.items(calls):
        function = statics.member(call, "function")
        yield {
            "type": "tool_call",
            "id": text(call, "id"),
            "name": text(function, "name"),
            "arguments": statics.member(function, "arguments"),
        }
