"""Sums over one trace in which nothing counts twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from otelier import semconv
from otelier.viewer import names
from otelier.viewer.facts import Facts, Tokens
from otelier.viewer.forest import Node


@dataclass(slots=True)
class Totals:
    """What a trace took."""

    seconds: float | None = None
    calls: int = 0
    tools: int = 0
    errors: int = 0
    unpriced: int = 0
    # Calls whose cost is of what came before they were cut off; it is in the sum.
    partial: int = 0
    cost: float | None = None
    tokens: Tokens = field(default_factory=Tokens)


@dataclass(slots=True)
class Account:
    """A trace's sums, and what they are the sums of."""

    sums: Totals
    # The spans of each model call, the outermost first.
    calls: list[list[Known]] = field(default_factory=list)
    # The first span of each call without a known price.
    unpriced: list[Known] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Call:
    """What a model call's span, and those above it for the same call, have already said."""

    first: int
    tokens: bool = False
    cost: bool = False


Known: TypeAlias = tuple[Node, Facts]
_Number = TypeVar("_Number", int, float)
_Calls = Mapping[str, _Call]
_NONE: _Calls = {}


def totals(nodes: Sequence[Known]) -> Totals:
    """The sums of a trace's spans, given parents before children."""
    return account(nodes).sums


def account(nodes: Sequence[Known]) -> Account:
    """The same, with the calls that are in it."""
    sums = Totals(seconds=_span_of_time(nodes))
    spans: dict[int, list[Known]] = {}
    calls: dict[int, _Calls] = {}
    unpriced: set[int] = set()
    failed_calls = {id(node) for node, facts in nodes if facts.failed and facts.counted}
    passed_up = {(id(node.parent), facts.error_type) for node, facts in nodes if facts.failed}
    for node, facts in nodes:
        above = calls.get(id(node.parent), _NONE)
        calls[id(node)] = above
        sums.cost = _sum(sums.cost, facts.step_cost)
        sums.tools += facts.operation == semconv.EXECUTE_TOOL
        # An error that came up from a child is the child's; that of a request is its call's.
        own = (id(node), facts.error_type) not in passed_up
        request = not facts.label and id(node.parent) in failed_calls
        sums.errors += facts.failed and own and not request
        if facts.counted:
            # Two libraries may each have a span for one call: a framework's, and the SDK's in it.
            outer = above.get(facts.operation)
            call = _add(sums, facts, outer or _Call(id(node)))
            sums.calls += outer is None
            # A call that failed before anything was used costs nothing.
            told = call.tokens or not (facts.failed or facts.background)
            if outer is None and not call.cost and told:
                unpriced.add(call.first)
            elif call.cost:
                unpriced.discard(call.first)
            calls[id(node)] = {**above, facts.operation: call}
            spans.setdefault(call.first, []).append((node, facts))
        elif facts.fetched:
            if not _add(sums, facts, _Call(id(node))).cost:
                unpriced.add(id(node))
        elif facts.operation in names.SUMS:
            calls[id(node)] = _NONE
    sums.unpriced = len(unpriced)
    return Account(sums, [*spans.values()], [each for each in nodes if id(each[0]) in unpriced])


def added(a: Totals, b: Totals) -> Totals:
    """What two traces took together; their times are added, whether or not they overlap."""
    return Totals(
        seconds=_sum(a.seconds, b.seconds),
        calls=a.calls + b.calls,
        tools=a.tools + b.tools,
        errors=a.errors + b.errors,
        unpriced=a.unpriced + b.unpriced,
        partial=a.partial + b.partial,
        cost=_sum(a.cost, b.cost),
        tokens=_plus(a.tokens, b.tokens),
    )


def _add(sums: Totals, facts: Facts, call: _Call) -> _Call:
    """Add what the span knows of its call and nobody above has said; returns what is said now."""
    if not call.tokens:
        sums.tokens = _plus(sums.tokens, facts.tokens)
    if not call.cost and facts.cost is not None:
        sums.cost = (sums.cost or 0.0) + facts.cost
        sums.partial += facts.partial
    return _Call(
        call.first,
        call.tokens or bool(facts.tokens),
        call.cost or facts.cost is not None,
    )


def _plus(a: Tokens, b: Tokens) -> Tokens:
    return Tokens(
        _sum(a.input, b.input),
        _sum(a.cached, b.cached),
        _sum(a.output, b.output),
        _sum(a.reasoning, b.reasoning),
    )


def _sum(a: _Number | None, b: _Number | None) -> _Number | None:
    return b if a is None else a if b is None else a + b


def _span_of_time(nodes: Sequence[Known]) -> float | None:
    spans = [node.span for node, facts in nodes if facts.seconds is not None]
    if not spans:
        return None
    return (max(span.end_ns for span in spans) - min(span.start_ns for span in spans)) / 1e9
