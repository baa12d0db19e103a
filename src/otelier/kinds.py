"""Kinds of steps that no SDK shows, as a table."""

from __future__ import annotations

from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind

from otelier import semconv
from otelier.semconv import Instrument


class Kind(NamedTuple):
    """One kind of step: how its span is named and what it carries."""

    operation: str | None
    # The attribute that holds its name, which is also in the span's name.
    named: str
    arguments: str
    result: str
    span_kind: SpanKind
    duration: Instrument | None
    # Attributes that the duration's metric has.
    measured: tuple[str, ...] = ()
    # Whether it sums up the model calls in it, and says what it was asked and answered.
    sums: bool = False
    # How its span's name begins, where that is not the operation.
    title: str | None = None
    # Whether the agent around has run a tool by it.
    is_tool: bool = False


WORKFLOW: Final = Kind(
    semconv.INVOKE_WORKFLOW,
    semconv.WORKFLOW_NAME,
    semconv.ARGUMENTS,
    semconv.RESULT,
    SpanKind.INTERNAL,
    semconv.WORKFLOW_DURATION,
    (semconv.WORKFLOW_NAME,),
    sums=True,
)
AGENT: Final = Kind(
    semconv.INVOKE_AGENT,
    semconv.AGENT_NAME,
    semconv.ARGUMENTS,
    semconv.RESULT,
    SpanKind.INTERNAL,
    semconv.AGENT_DURATION,
    (semconv.AGENT_NAME, semconv.REQUEST_MODEL),
    sums=True,
)
TOOL: Final = Kind(
    semconv.EXECUTE_TOOL,
    semconv.TOOL_NAME,
    semconv.TOOL_CALL_ARGUMENTS,
    semconv.TOOL_CALL_RESULT,
    SpanKind.INTERNAL,
    semconv.TOOL_DURATION,
    (semconv.TOOL_NAME, semconv.TOOL_TYPE, semconv.AGENT_NAME),
    is_tool=True,
)
RETRIEVAL: Final = Kind(
    semconv.RETRIEVAL,
    semconv.DATA_SOURCE_ID,
    semconv.RETRIEVAL_QUERY,
    semconv.RETRIEVAL_DOCUMENTS,
    SpanKind.CLIENT,
    semconv.OPERATION_DURATION,
    (semconv.PROVIDER_NAME, semconv.REQUEST_MODEL),
)
STEP: Final = Kind(
    None, semconv.STEP_NAME, semconv.ARGUMENTS, semconv.RESULT, SpanKind.INTERNAL, None
)
