"""What one span says, with every value checked: attributes may hold anything."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from otelier import semconv, wire
from otelier.store.spans import StoredSpan
from otelier.viewer import names

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Numbers of tokens; None where the span says nothing."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None

    def __bool__(self) -> bool:
        return self.input is not None or self.output is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is shown of a span. Texts are as recorded, still to be made harmless."""

    operation: str
    label: str
    name: str
    model: str
    provider: str
    seconds: float | None
    first_chunk: float | None
    tokens: Tokens
    cost: float | None
    """Of an agent or a workflow the sum of what is below."""
    step_cost: float | None
    """What the program says that the step costs by itself."""
    partial: bool
    """Whether the cost is the least that it was."""
    finish_reasons: tuple[str, ...]
    # How it was left before its end, if it was.
    left: str
    tool_calls: tuple[tuple[str, int], ...]
    failed: bool
    error_type: str
    error_message: str
    # The answer came after the call; what it used is told where it was fetched.
    background: bool

    @property
    def fetched(self) -> bool:
        """Whether the span tells what an answer used that another call began."""
        return self.operation in semconv.FETCHES and (bool(self.tokens) or self.cost is not None)

    @property
    def counted(self) -> bool:
        """Whether the span is a model call, with tokens and cost of its own."""
        return self.operation in names.COUNTED


def facts(span: StoredSpan) -> Facts:
    """Read a span."""
    attributes = span.attributes
    operation = text(attributes, semconv.OPERATION_NAME)
    label, name = _what(span, operation)
    return Facts(
        operation=operation,
        label=label,
        name=name,
        model=_model(attributes),
        provider=text(attributes, semconv.PROVIDER_NAME),
        seconds=_seconds(span),
        first_chunk=number(attributes, semconv.RESPONSE_TIME_TO_FIRST_CHUNK),
        tokens=Tokens(
            count(attributes, semconv.USAGE_INPUT),
            count(attributes, semconv.USAGE_CACHE_READ),
            count(attributes, semconv.USAGE_OUTPUT),
            count(attributes, semconv.USAGE_REASONING),
        ),
        cost=_cost(attributes),
        step_cost=number(attributes, semconv.COST_STEP),
        partial=attributes.get(semconv.COST_PARTIAL) is True,
        left=text(attributes, semconv.STREAM_END),
        finish_reasons=texts(attributes, semconv.RESPONSE_FINISH_REASONS),
        tool_calls=_tool_calls(attributes),
        failed=failed(span),
        error_type=text(attributes, semconv.ERROR_TYPE),
        error_message=span.status_message.strip(),
        background=attributes.get(semconv.BACKGROUND) is True,
    )


def failed(span: StoredSpan) -> bool:
    """Whether the span says that it failed."""
    return span.status == "ERROR" or bool(text(span.attributes, semconv.ERROR_TYPE))


def _cost(attributes: Attributes) -> float | None:
    for name in (semconv.COST, semconv.COST_TOTAL, semconv.COST_STEP):
        found = number(attributes, name)
        if found is not None:
            return found
    return None


def _what(span: StoredSpan, operation: str) -> tuple[str, str]:
    """The span's label (empty for a span that is not GenAI's) and its name."""
    attributes = span.attributes
    if text(attributes, semconv.STEP_NAME):
        return names.STEP.label, text(attributes, semconv.STEP_NAME)
    if not operation:
        return "", span.name or "(no name)"
    kind = names.OPERATIONS.get(operation)
    if kind is None:
        return operation.replace("_", " "), span.name.removeprefix(operation).strip()
    if not kind.name:
        return kind.label, ""
    return kind.label, text(attributes, kind.name) or span.name.removeprefix(operation).strip()


def _model(attributes: Attributes) -> str:
    requested = text(attributes, semconv.REQUEST_MODEL)
    used = text(attributes, semconv.RESPONSE_MODEL)
    return (
        f"{requested} → {used}" if requested and used and used != requested else requested or used
    )


def _seconds(span: StoredSpan) -> float | None:
    """The span's duration; None if its clock says nothing of use."""
    if span.start_ns <= 0 or span.end_ns < span.start_ns:
        return None
    return (span.end_ns - span.start_ns) / 1e9


def _tool_calls(attributes: Attributes) -> tuple[tuple[str, int], ...]:
    """Names of the tools that the model called, each with how often."""
    calls: Counter[str] = Counter()
    for message in objects(structure(attributes, semconv.OUTPUT_MESSAGES)):
        for part in objects(message.get("parts")):
            if part.get("type") in ("tool_call", "server_tool_call"):
                name = part.get("name")
                calls[name if isinstance(name, str) and name else "(no name)"] += 1
    return tuple(calls.items())


# --- readers ----------------------------------------------------------------------------------


def text(attributes: Attributes, name: str) -> str:
    """A string attribute, or the empty string."""
    value = attributes.get(name)
    return value if isinstance(value, str) else ""


def texts(attributes: Attributes, name: str) -> tuple[str, ...]:
    """An attribute that is a list of strings."""
    value = attributes.get(name)
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list | tuple) else ()


def count(attributes: Attributes, name: str) -> int | None:
    """An attribute that counts something."""
    return wire.count(attributes.get(name))


def number(attributes: Attributes, name: str) -> float | None:
    """A finite attribute that is not negative."""
    value = wire.number(attributes.get(name))
    return value if value is not None and value >= 0 and math.isfinite(value) else None


def structure(attributes: Attributes, name: str) -> Any:
    """An attribute that holds JSON text or is structured itself; text that is no JSON as it is."""
    value = attributes.get(name)
    if not isinstance(value, str):
        return value
    try:
        return wire.loads(value)
    except (ValueError, RecursionError):
        return value


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a list; a single object counts as a list of one."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list | tuple):
        yield from (member for member in value if isinstance(member, Mapping))
