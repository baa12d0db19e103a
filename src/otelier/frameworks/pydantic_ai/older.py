"""What Pydantic AI's spans were called before they had the conventions' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span

from otelier import guard, semconv
from otelier.semconv import Attributes

# By a span's name: its operation, and the attribute that names the thing.
_NAMES: Final = {
    "agent run": (semconv.INVOKE_AGENT, "agent_name", semconv.AGENT_NAME),
    "running tool": (semconv.EXECUTE_TOOL, semconv.TOOL_NAME, semconv.TOOL_NAME),
    "running output function": (semconv.EXECUTE_TOOL, semconv.TOOL_NAME, semconv.TOOL_NAME),
}
_OPERATIONS: Final = (semconv.INVOKE_AGENT, semconv.EXECUTE_TOOL)
# A span around the tools of one answer.
_AROUND: Final = ("running tools", "running ")
_RESULT: Final = "tool_response"
_ARGUMENTS: Final = "tool_arguments"


def named(name: str, attributes: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The conventions' name and attributes of a span."""
    found = _NAMES.get(name)
    if found is None:
        # The name came before the attribute.
        operation = name.partition(" ")[0]
        if operation in _OPERATIONS and semconv.OPERATION_NAME not in attributes:
            attributes = {**attributes, semconv.OPERATION_NAME: operation}
        return name, attributes
    operation, old, new = found
    said = attributes.get(old)
    attributes = {**attributes, semconv.OPERATION_NAME: operation}
    if said:
        attributes[new] = said
    if _ARGUMENTS in attributes:
        attributes[semconv.TOOL_CALL_ARGUMENTS] = attributes.pop(_ARGUMENTS)
    return (f"{operation} {said}" if said else operation), attributes


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is that begins, for its sums."""
    operation, _, name = span.name.partition(" ")
    return (operation, name) if operation == semconv.INVOKE_AGENT else (None, None)


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """Nothing is to be added by the end but what all have."""
    return {}


def around_tools(name: str, attributes: dict[str, Any]) -> bool:
    """Whether a span is only around others: the tools that one answer asks for."""
    return name.startswith(_AROUND) and "tools" in attributes


def result(span: Span) -> None:
    """A tool's result by the conventions' name."""
    try:
        present: Any = getattr(span, "attributes", None) or {}
        if _RESULT in present and semconv.TOOL_CALL_RESULT not in present:
            span.set_attribute(semconv.TOOL_CALL_RESULT, present[_RESULT])
    except Exception:
        guard.failed("pydantic_ai.result")
