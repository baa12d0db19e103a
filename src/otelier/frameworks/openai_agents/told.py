"""What the SDK's objects tell, in the words of a step or of a model call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import statics, wire
from otelier.frameworks.models import Told
from otelier.frameworks.openai_agents import around
from otelier.frameworks.openai_agents.around import AgentRun
from otelier.handle import Handle
from otelier.usage import Usage

# Spans that are no steps of their own, by kind: how they are named, from their data.
_TITLES: Final = {
    "Turn": ("turn", "turn"),
    # To whom is told at its end.
    "Handoff": ("handoff", ""),
    "Guardrail": ("guardrail", "name"),
    "Custom": ("", "name"),
    "MCPListTools": ("tools/list", "server"),
}
# A span that hides the program's own ones from a run whose tracing is off.
_MASK: Final = "Agent run"
# What ends an agent, also where its run raises nothing: a streamed run tells its reader.
_EXCEPTIONS: Final = "agents.exceptions"
_TURNS, _TRIPWIRE = "Max turns exceeded", "Guardrail tripwire triggered"
# Where a function tool keeps the program's function: by the versions that mark it.
_MARK: Final = "__agents_function_tool_wrapped_callable__"


def offer(agent: AgentRun) -> None:
    """Tell an agent's step the tools that it was offered."""
    if agent.wants_content:
        agent.set_tools(definitions(agent.tools.values()))


def workflow(workflow: Handle, agent: Handle) -> None:
    """A workflow is asked what its first agent is asked, and answers what its last one does."""
    of, inner = workflow.scope, agent.scope
    if of is not None and inner is not None:
        of.asked = of.asked or inner.asked
        of.answer = inner.answer or of.answer


def definitions(tools: Any) -> list[dict[str, Any]]:
    """Functions that a model may call; what a provider runs is told by the request alone."""
    found = []
    for tool in tools:
        parameters = statics.member(tool, "params_json_schema")
        name = around.text(tool, "name")
        if name and parameters is not None:
            described = {"name": name, "parameters": parameters}
            description = around.text(tool, "description")
            found.append({**described, "description": description} if description else described)
    return found


def function(tool: Any) -> Any:
    """The program's function that a tool calls, as far as it can be seen."""
    invoker = statics.member(tool, "on_invoke_tool")
    inner = statics.member(invoker, "_invoke_tool_impl")
    if inner is None:
        return None
    return statics.storage(inner).get(_MARK)


def title(kind: str, data: Any) -> str | None:
    """The name of an inner step."""
    if kind not in _TITLES:
        return None
    word, member = _TITLES[kind]
    found = statics.member(data, member)
    said = str(found) if type(found) in (str, int) else ""
    if kind == "Custom" and said == _MASK:
        return None
    return f"{word} {said}".strip() or None


def ending(told: Mapping[str, Any], endless: bool) -> str | None:
    """The kind of error that ends an agent without passing it; None for what it goes on after.

    ``endless``: the program has an answer of its own where an agent has had too many turns.
    """
    message = told.get("message")
    if message == _TURNS:
        return None if endless else f"{_EXCEPTIONS}.MaxTurnsExceeded"
    if message != _TRIPWIRE:
        return None
    whose = wire.fields(told.get("data")).get("type")
    side = "Input" if whose == "input_guardrail" else "Output"
    return f"{_EXCEPTIONS}.{side}GuardrailTripwireTriggered"


def failure(told: Mapping[str, Any]) -> str | None:
    """What a tool's failure is told as: what went wrong, or that something did."""
    detail = wire.text(wire.fields(told.get("data")).get("error"))
    return detail or wire.text(told.get("message"))


def span(data: Any) -> Told:
    """What a span of the SDK's tells of a model call."""
    response = wire.fields(statics.member(data, "response"))
    if response:
        return Told(
            model=wire.text(response.get("model")),
            asked=statics.member(data, "input"),
            answer=response.get("output"),
            response_model=wire.text(response.get("model")),
            response_id=wire.text(response.get("id")),
            usage=used(response.get("usage")),
        )
    return Told(
        model=around.text(data, "model"),
        asked=statics.member(data, "input"),
        answer=statics.member(data, "output"),
        usage=used(statics.member(data, "usage")),
    )


def used(usage: Any) -> Usage | None:
    """The tokens that were used; zeros are what the SDK fills in where it knows none."""
    raw = wire.fields(usage) or {
        name: statics.member(usage, name)
        for name in ("input_tokens", "output_tokens", "input_tokens_details")
    }
    read, wrote = wire.count(raw.get("input_tokens")), wire.count(raw.get("output_tokens"))
    if not read and not wrote:
        return None
    return Usage(input=read, output=wrote)
