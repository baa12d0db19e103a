"""Traces as trees of text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from otelier import semconv
from otelier.store.spans import StoredSpan
from otelier.viewer import names
from otelier.viewer import text as txt
from otelier.viewer.facts import Facts, Tokens, facts, text, texts
from otelier.viewer.forest import Node, traces, walk
from otelier.viewer.history import History
from otelier.viewer.layout import Field, flow, passage, speech
from otelier.viewer.look import Look
from otelier.viewer.messages import Said, conversation
from otelier.viewer.selection import Sessions, chosen, owned
from otelier.viewer.timing import bar, period
from otelier.viewer.totals import Totals, totals

_PLAIN_ENDINGS: Final = frozenset({"stop"})
_TOOL_ENDINGS: Final = frozenset({"tool_call", "tool_calls"})


def render(spans: Iterable[StoredSpan], look: Look | None = None) -> str:
    """All traces as text, in order of start, each line ended; empty without spans."""
    return "".join(pieces(traces(spans), look or Look()))


def pieces(groups: Iterable[Sequence[StoredSpan]], look: Look) -> Iterator[str]:
    """The text of traces, one after the other, then of sessions that more than one belongs to.

    A trace in which there is nothing to be shown is left out.
    """
    history, sessions = History(), Sessions(look)
    blank = ""
    for group in groups:
        nodes = [(node, facts(node.span)) for node in walk(group)]
        kept = chosen(nodes, look)
        if not kept:
            continue
        sessions.add(nodes)
        lines = _trace(nodes, kept, history, look)
        yield blank + "".join(_finished(line, look) for line in lines)
        blank = "\n"
    for session, number, sums in sessions.told():
        lasted = [(f"{number:,} traces", ""), *_lasted("", sums), *_sums(sums)]
        line = flow([(f"session {session}", "bold"), *lasted], "", "  ", look)
        yield blank + "".join(_finished(part, look) for part in line)
        blank = ""


def _finished(line: str, look: Look) -> str:
    return (txt.plain(line) if look.ascii else line) + "\n"


def _trace(
    nodes: Sequence[tuple[Node, Facts]], kept: frozenset[int], history: History, look: Look
) -> Iterator[str]:
    shown = [(node, known) for node, known in nodes if id(node) in kept]
    parents = {id(node.parent) for node, _ in shown}
    final = {id(node.parent): id(node) for node, _ in shown}
    leads: dict[int, str] = {}
    whole = period([node.span for node, _ in nodes])
    hidden = len(nodes) - len(shown)
    yield from flow(_header([node.span for node, _ in nodes]), "", "  ", look)
    for node, known in shown:
        last = final[id(node.parent)] == id(node)
        first, lead = _branch(node, leads.get(id(node.parent), ""), last, look)
        leads[id(node)] = lead
        below = lead + ("│    " if id(node) in parents else "     ")
        aside = bar(node.span, whole, look) if len(nodes) > 1 else ""
        yield from flow(_fields(node, known), first, below, look, aside=aside)
        if known.failed:
            yield from passage(_error(known), below, look)
        for said in _said(node, history, look):
            yield from speech(said, below, look)
    if hidden:
        yield from flow([(f"({hidden:,} other step{'s' * (hidden > 1)})", "dim")], "", "  ", look)
    sums = totals(owned(nodes, look.session))
    yield from flow([*_lasted("total", sums), *_sums(sums)], "", "  ", look)


def _said(node: Node, history: History, look: Look) -> Iterator[Said]:
    """What is shown of a span's messages."""
    if look.grep:
        found = look.pattern
        for said in conversation(node.span.attributes, sys.maxsize):
            if found is None or found.search(said.text + said.tail):
                yield said
    elif look.full:
        yield from conversation(node.span.attributes, look.list_limit)
    elif look.messages:
        earlier = history.earlier(node.span.trace_id, node.span.attributes)
        yield from conversation(node.span.attributes, look.list_limit, earlier)


def _branch(node: Node, lead: str, last: bool, look: Look) -> tuple[str, str]:
    """What begins the span's line, and what begins the lines below it."""
    if node.parent is None:
        return "", ""
    if len(lead) > look.columns // 2:
        return f"{lead}⋯ (level {node.depth}) ", lead
    return (f"{lead}└─ ", f"{lead}   ") if last else (f"{lead}├─ ", f"{lead}│  ")


# --- the parts of a line ----------------------------------------------------------------------


def _header(spans: Sequence[StoredSpan]) -> list[Field]:
    services = dict.fromkeys(text(span.resource.attributes, "service.name") for span in spans)
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
    # An agent's or a workflow's tokens and cost are the sums of what is below.
    sigma = "" if known.counted or known.fetched or not known.label else "Σ "
    costs = "" if known.cost == known.step_cost else sigma
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
        yield (costs + txt.dollars(known.cost, known.partial), plain or "green")
    if known.finish_reasons and not known.failed:
        yield (", ".join(known.finish_reasons), plain or _ending_style(known))
    if known.left and not known.failed:
        yield (names.LEFT.get(known.left, known.left), plain or "yellow")
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
    return (f"✗ {words or 'failed'}", "red")


def _lasted(what: str, sums: Totals) -> Iterator[Field]:
    lasted = txt.duration(sums.seconds) if sums.seconds is not None else ""
    if words := f"{what} {lasted}".strip():
        yield (words, "bold" if what else "")


def _sums(sums: Totals) -> Iterator[Field]:
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
