"""A trace as rows of a tree with bars: what the page's script draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from otelier import semconv
from otelier.store.spans import StoredSpan
from otelier.viewer import names
from otelier.viewer import text as txt
from otelier.viewer.facts import Facts, facts
from otelier.viewer.forest import Node, walk
from otelier.viewer.timing import period
from otelier.web.shown.words import seen

Nodes: TypeAlias = Sequence[tuple[Node, Facts]]
# Characters of one text in a row: more is not seen there.
_TEXT: Final = 200


def nodes(spans: Sequence[StoredSpan]) -> Nodes:
    """The spans of a trace, parents before children, each with what it says."""
    return [(node, facts(node.span)) for node in walk(spans)]


def rows(found: Nodes) -> list[dict[str, Any]]:
    """A row for each span; what is unknown or empty is left out.

    ``up`` is the row of the parent; ``start``, ``took`` and ``first`` (the first chunk, since the
    start) are shares of the trace's time.
    """
    begin, end = period([node.span for node, _ in found])
    whole = max(end - begin, 1)
    places = {id(node): index for index, (node, _) in enumerate(found)}
    return [
        _filled(_row(node, known, begin, whole, places.get(id(node.parent))))
        for node, known in found
    ]


def _row(node: Node, known: Facts, begin: int, whole: int, up: int | None) -> dict[str, Any]:
    span = node.span
    timed = known.seconds is not None
    return {
        "id": span.span_id,
        "up": up,
        "depth": node.depth or None,
        "label": _short(known.label),
        "kind": kind(known),
        "name": _short(known.name or ("" if known.label and known.model else span.name)),
        # Which one answered is told where the step is shown.
        "model": _short(known.model.partition(" → ")[0]),
        "start": round((span.start_ns - begin) / whole, 6) if timed else None,
        "took": round((span.end_ns - span.start_ns) / whole, 6) if timed else None,
        "first": _first(known, whole),
        "hint": _hint(known, span),
        "time": txt.duration(known.seconds) if known.seconds is not None else "",
        "tokens": tokens(known),
        "cost": cost(known),
        "failed": known.failed or None,
        "error": _short(known.error_type or known.error_message) if known.failed else "",
        "left": known.left,
    }


def _first(known: Facts, whole: int) -> float | None:
    """When the first chunk came, on the same scale; None where that was not while it ran."""
    first, took = known.first_chunk, known.seconds
    if first is None or took is None or not 0 <= first <= took:
        return None
    return round(first * 1e9 / whole, 6)


def _hint(known: Facts, span: StoredSpan) -> str:
    """What tells the step from others of its name: what a tool was given, what a model called."""
    if known.tool_calls:
        return _short(", ".join(name for name, _ in known.tool_calls))
    for name in _GIVEN.get(known.operation, ()):
        if isinstance(given := span.attributes.get(name), str):
            return seen(given[:_HINT])
    return ""


_HINT: Final = 80
_GIVEN: Final = {
    semconv.EXECUTE_TOOL: (semconv.TOOL_CALL_ARGUMENTS, semconv.ARGUMENTS),
    semconv.RETRIEVAL: (semconv.RETRIEVAL_QUERY,),
}


def sums(known: Facts) -> bool:
    """Whether the span's tokens and cost are those of what is below."""
    return bool(known.label) and not known.counted and not known.fetched


def cost(known: Facts) -> str:
    """What it cost, with a sign where that is a sum; empty where it is not known."""
    if known.cost is None:
        return ""
    sign = "Σ " if sums(known) and known.cost != known.step_cost else ""
    return sign + txt.dollars(known.cost, known.partial)


def tokens(known: Facts) -> str:
    """Tokens read and written, as ``1,234 → 56``; empty where they are not known."""
    told = known.tokens
    if not told:
        return ""
    sign = "Σ " if sums(known) else ""
    words = ["–" if each is None else f"{each:,}" for each in (told.input, told.output)]
    return f"{sign}{words[0]} → {words[1]}"


def kind(known: Facts) -> str:
    """A class for the colour of a step: what was done, in a word."""
    if known.counted:
        return "model"
    return known.label if known.label in _KINDS else "other" if known.label else "foreign"


_KINDS: Final = frozenset(
    {names.STEP.label, *(each.label for each in names.OPERATIONS.values() if each.name)}
)


def _short(text: str) -> str:
    return seen(txt.shorten(text, _TEXT))


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in row.items() if each not in (None, "")}


def services(spans: Iterable[StoredSpan]) -> list[str]:
    """The programs that took part."""
    told = (span.resource.attributes.get("service.name") for span in spans)
    return list(dict.fromkeys(name for name in told if isinstance(name, str) and name))
