"""A trace as the text that a person would draw."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from tests.telemetry import Telemetry

CONVERSATION = "gen_ai.conversation.id"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
Say = Callable[[ReadableSpan], str]


def title(span: ReadableSpan) -> str:
    """The span's name; what failed is marked by its kind of error."""
    failed = span.status.status_code is StatusCode.ERROR
    kind = (span.attributes or {}).get("error.type", "error")
    return f"{span.name} !{kind}" if failed else span.name


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
    children: dict[int | None, list[ReadableSpan]] = {}
    for span in sorted(found, key=lambda span: span.start_time or 0):
        above: Any = span.parent.span_id if span.parent else None
        if above is not None and above not in by_id:
            above = "lost"
        children.setdefault(above, []).append(span)
    assert "lost" not in children, [span.name for span in children["lost"]]  # type: ignore[index]
    for span in found:
        if span.parent is not None:
            assert span.context.trace_id == by_id[span.parent.span_id].context.trace_id

    def lines(above: int | None) -> list[str]:
        trees: list[str] = []
        for span in children.get(above, []):
            below = lines(span.context.span_id)
            if leave_out(span):
                trees += below
                continue
            inner = "".join(textwrap.indent(text, "  ") + "\n" for text in below)
            trees.append((say(span) + "\n" + inner).rstrip("\n"))
        return trees if ordered else sorted(trees)

    return "\n".join(lines(None))


def tree(text: str) -> str:
    """What a person has drawn, without the indentation of the test around it."""
    return textwrap.dedent(text).strip("\n").rstrip()


def model_calls(telemetry: Telemetry) -> list[ReadableSpan]:
    """All inference spans, whoever made them."""
    inference = ("chat", "text_completion", "generate_content")
    return [
        span
        for span in telemetry.spans()
        if (span.attributes or {}).get("gen_ai.operation.name") in inference
    ]
