"""Traces as indented lines of names, without ids and times: what a person would draw in a test."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import TypeAlias

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode

from otelier import semconv

Say: TypeAlias = Callable[[ReadableSpan], str]
_Key: TypeAlias = tuple[int, int]


def title(span: ReadableSpan) -> str:
    """The span's name; what failed is marked by its kind of error."""
    failed = span.status.status_code is StatusCode.ERROR
    kind = (span.attributes or {}).get(semconv.ERROR_TYPE, "error")
    return f"{span.name} !{kind}" if failed else span.name


def outline(
    spans: Iterable[ReadableSpan],
    say: Say = title,
    *,
    ordered: bool = True,
    leave_out: Callable[[ReadableSpan], bool] = lambda span: False,
) -> str:
    """Spans as indented lines, a tree for each that has no parent among them.

    In the order of their starts; ``ordered=False`` sorts siblings by their text, for what runs
    side by side. What is in ``leave_out`` is not shown; its children are shown where it would be.
    """
    found = sorted(spans, key=lambda span: span.start_time or 0)
    here = {_key(span.context) for span in found}
    below: dict[_Key | None, list[ReadableSpan]] = {}
    for span in found:
        above = _key(span.parent) if span.parent else None
        below.setdefault(above if above in here else None, []).append(span)
    # No recursion: a chain of spans may be thousands long.
    downwards: list[ReadableSpan] = []
    waiting = below.get(None, [])[:]
    while waiting:
        downwards.append(waiting.pop())
        waiting += below.get(_key(downwards[-1].context), ())
    drawn: dict[_Key, list[str]] = {}

    def trees(above: _Key | None) -> list[str]:
        texts = [text for span in below.get(above, ()) for text in drawn.pop(_key(span.context))]
        return texts if ordered else sorted(texts)

    for span in reversed(downwards):
        inner = trees(_key(span.context))
        if not leave_out(span):
            inner = ["\n".join([say(span), *(textwrap.indent(text, "  ") for text in inner)])]
        drawn[_key(span.context)] = inner
    return "\n".join(trees(None))


def drawn(text: str) -> str:
    """What a person has drawn, without the indentation of the code around it."""
    return textwrap.dedent(text).strip("\n").rstrip()


def _key(context: SpanContext) -> _Key:
    return context.trace_id, context.span_id
