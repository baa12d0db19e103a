"""A trace as the text that a person would draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.sdk.trace import ReadableSpan

from otelier.viewer.outline import Say, outline, title
from otelier.viewer.outline import drawn as tree
from tests.telemetry import Telemetry

__all__ = ["conversation", "draw", "model_calls", "title", "tokens", "tree"]

CONVERSATION = "gen_ai.conversation.id"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"


def conversation(span: ReadableSpan) -> str:
    """The name, and the conversation if there is one."""
    told = (span.attributes or {}).get(CONVERSATION)
    return title(span) + (f" [{told}]" if told else "")


def tokens(span: ReadableSpan) -> str:
    """The name, and the tokens of model calls and the sums of agents if there are any."""
    held = span.attributes or {}
    read, wrote = held.get(INPUT), held.get(OUTPUT)
    return title(span) + (f" {read}+{wrote}" if read is not None or wrote is not None else "")


def draw(
    telemetry: Telemetry | Iterable[ReadableSpan],
    say: Say = title,
    *,
    ordered: bool = True,
    leave_out: Callable[[ReadableSpan], bool] = lambda span: False,
) -> str:
    """All finished spans as indented lines, a tree for each root, in the order of their starts.

    ``ordered=False`` sorts siblings by their text, for what runs side by side. What is in
    ``leave_out`` is not shown; its children are shown where it would be.
    """
    found = list(telemetry.spans() if isinstance(telemetry, Telemetry) else telemetry)
    by_id = {span.context.span_id: span for span in found}
    children = [span for span in found if span.parent is not None]
    lost = [span.name for span in children if _above(span) not in by_id]
    assert not lost, lost
    for span in children:
        assert span.context.trace_id == by_id[_above(span)].context.trace_id
    return outline(found, say, ordered=ordered, leave_out=leave_out)


def _above(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def model_calls(telemetry: Telemetry) -> list[ReadableSpan]:
    """All inference spans, whoever made them."""
    inference = ("chat", "text_completion", "generate_content")
    return [
        span
        for span in telemetry.spans()
        if (span.attributes or {}).get("gen_ai.operation.name") in inference
    ]
