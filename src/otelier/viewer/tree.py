"""Traces as trees of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from otelier import semconv
from otelier.store.spans import StoredSpan
from otelier.viewer import names
from otelier.viewer import text as txt
from otelier.viewer.facts import Facts, Tokens, facts, text, texts
from otelier.viewer.forest import Node, traces, walk
from otelier.viewer.layout import MIN_WIDTH, Field, flow, passage, speech
from otelier.viewer.messages import conversation
from otelier.viewer.totals import Totals, totals

_PLAIN_ENDINGS: Final = frozenset({"stop"})
_TOOL_ENDINGS: Final = frozenset({"tool_call", "tool_calls"})
_ERROR_LIMIT: Final = 300


def render(
    spans: Iterable[StoredSpan], *, messages: bool = False, color: bool = False, width: int = 100
) -> str:
    """All traces as text, in order of start, each line ended; empty without spans.

    ``messages`` shows the conversation below each span, ``color`` uses escape sequences,
    ``width`` is where lines are broken (at least 40).
    """
    width = max(width, MIN_WIDTH)
    blocks = [_trace(group, messages, color, width) for group in traces(spans)]
    return "\n".join("".join(line + "\n" for line in block) for block in blocks)


def _trace(spans: Sequence[StoredSpan], messages: bool, color: bool, width: int) -> Iterator[str]:
    nodes = [(node, facts(node.span)) for node in walk(spans)]
    parents = {id(node.parent) for node, _ in nodes}
    leads: dict[int, str] = {}
    yield from flow(_header([node.span for node, _ in nodes]), "", "  ", color, width)
    for node, known in nodes:
        first, lead = _branch(node, leads.get(id(node.parent), ""), width)
        leads[id(node)] = lead
        below = lead + ("│    " if id(node) in parents else "     ")
        yield from flow(_fields(node, known), first, below, color, width)
        if known.failed:
            yield from passage(_error(known), below, color, width)
        if messages:
            for said in conversation(node.span.attributes):
                yield from speech(said, below, color, width)
    yield from flow(_sums(totals(nodes)), "", "  ", color, width)


def _branch(node: Node, lead: str, width: int) -> tuple[str, str]:
    """What begins the span's line, and what begins the lines below it."""
    if node.parent is None:
        return "", ""
    if len(lead) > width // 2:
        return f"{lead}⋯ (level {node.depth}) ", lead
    return (f"{lead}└─ ", f"{lead}   ") if node.last else (f"{lead}├─ ", f"{lead}│  ")


# --- the parts of a line ----------------------------------------------------------------------


def _header(spans: Sequence[StoredSpan]) -> list[Field]:
    services = dict.fromkeys(text(span.resource, "service.name") for span in spans)
    starts = [span.start_ns for span in spans if span.start_ns > 0]
    return [
        (f"trace {spans[0].trace_id or '(no id)'}", "bold"),
        *_dimmed(", ".join(name for name in services if name)),
        *_dimmed(_moment(min(starts)) if starts else ""),
        *_session(spans),
    ]


def _dimmed(words: str) -> list[Field]:
    return [(words, "dim")] if words else []


def _moment(time_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return ""


def _session(spans: Sequence[StoredSpan]) -> Iterator[Field]:
    """Who and what the trace belongs to, as the first span that says so has it."""
    found: dict[str, str] = {}
    for span in spans:
        for name, value in span.attributes.items():
            if name in names.SESSION:
                found.setdefault(names.SESSION[name], _scalar(value))
            elif name == semconv.TAGS:
                found.setdefault("tags", ", ".join(texts(span.attributes, name)) or _scalar(value))
            elif name.startswith(semconv.METADATA):
                key = name.removeprefix(semconv.METADATA)
                found.setdefault(f"{key} =", _scalar(value))
    for what, words in found.items():
        yield from _dimmed(f"{what} {words}" if words else "")


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, str | bool | int | float) else ""


def _fields(node: Node, known: Facts) -> Iterator[Field]:
    # Spans of others (HTTP, databases) are shown, but step back.
    plain = "" if known.label else "dim"
    # An agent's or a workflow's tokens are the sum of what is below.
    sigma = "" if known.counted or known.fetched or not known.label else "Σ "
    what = known.name or known.model
    yield (f"{known.label} {what}".strip(), "dim" if not known.label else "bold")
    if known.name and known.model:
        yield (known.model, plain)
    if known.provider:
        yield (known.provider, plain)
    if known.seconds is not None:
        yield (txt.duration(known.seconds), plain)
    if known.first_chunk is not None:
        yield (f"first chunk {txt.duration(known.first_chunk)}", plain)
    if known.tokens:
        yield (sigma + _tokens(known.tokens), plain)
    if known.cost is not None:
        yield (sigma + txt.dollars(known.cost, known.partial), plain or "green")
    if known.finish_reasons and not known.failed:
        yield (", ".join(known.finish_reasons), plain or _ending_style(known))
    if known.tool_calls:
        yield (f"calls {_calls(known.tool_calls)}", plain or "cyan")
    if node.parent is None and node.span.parent_id is not None:
        yield ("parent in another process" if node.span.remote_parent else "parent missing", "dim")


def _tokens(tokens: Tokens) -> str:
    words = []
    for label, whole, part_label, part in (
        ("in", tokens.input, "cached", tokens.cached),
        ("out", tokens.output, "reasoning", tokens.reasoning),
    ):
        if whole is not None:
            words.append(f"{label} {whole:,}" + (f" ({part_label} {part:,})" if part else ""))
    return " ".join(words)


def _ending_style(known: Facts) -> str:
    """Finish reasons stand out if they say more than the rest of the line does."""
    expected = _PLAIN_ENDINGS | _TOOL_ENDINGS if known.tool_calls else _PLAIN_ENDINGS
    return "dim" if set(known.finish_reasons) <= expected else "yellow"


def _calls(calls: Sequence[tuple[str, int]]) -> str:
    return ", ".join(name if times == 1 else f"{name} ×{times}" for name, times in calls)


def _error(known: Facts) -> Field:
    words = ": ".join(word for word in (known.error_type, known.error_message) if word)
    return (f"✗ {txt.shorten(words, _ERROR_LIMIT) or 'failed'}", "red")


def _sums(sums: Totals) -> Iterator[Field]:
    lasted = f" {txt.duration(sums.seconds)}" if sums.seconds is not None else ""
    yield (f"total{lasted}", "bold")
    yield from _counted(sums.calls, "model call", "")
    yield from _counted(sums.tools, "tool call", "")
    yield from _counted(sums.errors, "error", "red")
    if sums.tokens:
        yield (_tokens(sums.tokens), "")
    if sums.cost is not None:
        yield (txt.dollars(sums.cost, bool(sums.partial)), "green")
    if sums.partial:
        calls = "call" if sums.partial == 1 else "calls"
        yield (f"{sums.partial:,} {calls} cut off, priced in part", "yellow")
    if sums.unpriced:
        calls = "call" if sums.unpriced == 1 else "calls"
        yield (f"{sums.unpriced:,} {calls} without a known price", "yellow")


def _counted(number: int, what: str, style: str) -> Iterator[Field]:
    if number:
        yield (f"{number:,} {what}{'' if number == 1 else 's'}", style)
