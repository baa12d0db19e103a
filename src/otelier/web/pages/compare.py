"""Compare: two traces, two steps of them, or two sets of calls; and what there is to compare."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otelier.questions.asking import ask, listed
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages import alike
from otelier.web.pages.rendering import path
from otelier.web.pages.shell import NothingError, Shell
from otelier.web.pages.trace import Traces, place
from otelier.web.shown import aligned, pair, sets, tree
from otelier.web.shown.about import about, moment
from otelier.web.shown.period import period
from otelier.web.shown.tree import Nodes

_COMPARE: Final = BY_NAME["compare"]
_TRACES: Final = BY_NAME["traces"]
# Traces to choose from; rows of two traces on a page; names of a kind to choose from.
_RECENT: Final = 15
_ROWS: Final = 500
_NAMES: Final = 200
# Calls whose models, tags and prompts are looked at.
_CALLS: Final = 10_000
_KNOWN: Final = (
    "SELECT model, tags, prompt, prompt_version, count(*) AS calls FROM (SELECT model, tags, "
    "prompt, prompt_version FROM otelier.spent WHERE {filter} ORDER BY time DESC "
    f"LIMIT {_CALLS}) AS newest GROUP BY model, tags, prompt, prompt_version"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A trace, or a step of it."""

    trace_id: str
    span_id: str = ""

    def __str__(self) -> str:
        return f"{self.trace_id}/{self.span_id}" if self.span_id else self.trace_id


@dataclass(frozen=True, slots=True)
class Choice:
    """Sets of calls that are told apart by something."""

    by: str
    title: str
    # What they have in common: of versions their prompt.
    prompt: str
    # Names, each with the number of its calls, and whether a form can send it as it is.
    names: tuple[tuple[str, int, bool], ...]


def routes(shell: Shell) -> list[Route]:
    """The page."""
    traces = Traces()

    async def compare(request: Request) -> Response:
        given = {name: value for name, value in request.query_params.items() if value}
        if given.get("before"):
            found = await shell.work(request, lambda engine: _before(engine, traces, given))
            return found if isinstance(found, Response) else RedirectResponse(found, 303)
        template, finder = _finder(given)
        return await shell.page(request, template, lambda engine: finder(engine, traces, given))

    return [Route("/compare", compare, methods=["GET"])]


def _finder(given: Mapping[str, str]) -> tuple[str, Any]:
    """What the URL asks for: a template, and what finds what it shows."""
    both = "a" in given and "b" in given
    if not both:
        return "compare.html", _choose
    if "by" in given or "prompt" in given:
        return "compare_sets.html", _sets
    try:
        steps = any(read(given[side]).span_id for side in ("a", "b"))
    except ValueError:
        # Told where the store is asked.
        steps = True
    return ("compare_pair.html", _pair) if steps else ("compare_traces.html", _two)


# --- traces and steps -------------------------------------------------------------------------


def read(told: str) -> Place:
    """What a person writes: TRACE, TRACE/SPAN, or the address of its page. Raises ValueError."""
    parts = urlsplit(told.strip()).path.strip("/").split("/")
    if parts[0] == "traces":
        parts = parts[1:]
    if not 0 < len(parts) <= 2 or not all(parts):
        raise ValueError(f"{told!r} is no trace, nor TRACE/SPAN")
    return Place(*map(unquote, parts))


def _two(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    a, b = read(given["a"]), read(given["b"])
    nodes = [traces.nodes(engine, each.trace_id)[1] for each in (a, b)]
    pairs = aligned.pairs(*nodes)
    first = min(max(0, int(given.get("first", 0))), len(pairs))
    return {
        "title": "Two traces",
        "a": a,
        "b": b,
        "abouts": [about(each) for each in nodes],
        "measures_of": aligned.sums(*nodes),
        "rows": [aligned.row(each, *nodes) for each in pairs[first : first + _ROWS]],
        "first": first,
        "size": _ROWS,
        "all": len(pairs),
        "only_a": sum(each.b is None for each in pairs),
        "only_b": sum(each.a is None for each in pairs),
    }


def _pair(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    sides = [read(given[name]) for name in ("a", "b")]
    found = [_step(engine, traces, each) for each in sides]
    steps = [nodes[at] for nodes, at in found]
    return {
        "title": "Two steps",
        "sides": [
            {
                "place": Place(node.span.trace_id, node.span.span_id),
                "span": node.span,
                "known": known,
                "kind": tree.kind(known),
                "began": moment(node.span.start_ns) if node.span.start_ns > 0 else None,
            }
            for node, known in steps
        ],
        "pair": pair.pair(*found),
    }


def _step(engine: Engine, traces: Traces, where: Place) -> tuple[Nodes, int]:
    _, nodes = traces.nodes(engine, where.trace_id)
    return nodes, place(nodes, where.span_id)


def _before(engine: Engine, traces: Traces, given: Mapping[str, str]) -> str:
    """The address of a step beside the call before it. Raises NothingError."""
    told = given.get("b") or given.get("a") or ""
    where = read(told)
    best = alike.nearest(alike.earlier(engine, *_step(engine, traces, where)))
    if best is None:
        raise NothingError(
            "No earlier call is like this one: none stands where it does in its trace, or is of "
            "its conversation."
        )
    return path("compare", a=str(Place(best.trace_id, best.span_id)), b=str(where))


# --- sets -------------------------------------------------------------------------------------


def _sets(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    stretch = period(given)
    told = {name: value for name, value in given.items() if name not in ("since", "until")}
    told.setdefault("by", "prompt_version")
    rows = ask(_COMPARE, engine, **told, **stretch.asked)
    return {
        "title": f"{told['a']} and {told['b']}",
        "told": told,
        "filters": {name: told[name] for name in told if name not in ("a", "b", "by", "prompt")},
        "period": stretch,
        "lines": sets.lines(rows),
        "width": sets.WIDTH,
        "missing": [side for side in ("a", "b") if rows and not getattr(rows[0], f"{side}_n")],
    }


def _choose(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    """What there is to compare; with one side given, what it can be compared with."""
    stretch = period(given)
    side = next((name for name in ("a", "b") if name in given), "")
    by = given.get("by", "prompt_version" if "prompt" in given else "")
    where = read(given[side]) if side and not by else None
    known = _known(engine, stretch.since)
    shown: dict[str, Any] = {
        "title": "Compare",
        "side": side,
        "other": {"a": "b", "b": "a"}.get(side, ""),
        "where": where,
        "alike": [],
        "step": None,
        "by": by,
        "given": given,
        "period": stretch,
        "choices": list(_choices(known)),
        "newest": _CALLS if sum(row["calls"] for row in known) >= _CALLS else 0,
        "traces": ask(_TRACES, engine, limit=_RECENT),
    }
    if where is not None:
        found = _step(engine, traces, where)
        if where.span_id:
            shown |= {"step": found[0][found[1]], "alike": alike.earlier(engine, *found)}
    return shown


def _known(engine: Engine, since: Any) -> list[dict[str, Any]]:
    query = _KNOWN.format(filter="time >= :since" if since else "1 = 1")
    return list(engine.ask(query, {"since": since} if since else {}).dicts())


def _choices(known: list[dict[str, Any]]) -> Iterator[Choice]:
    """Prompts, the newest versions first, then tags and models; the most used first."""
    versions: dict[str, Counter[str]] = {}
    tags: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for row in known:
        if row["prompt"]:
            versions.setdefault(row["prompt"], Counter())[row["prompt_version"]] += row["calls"]
        for tag in listed(row["tags"]):
            tags[tag] += row["calls"]
        models[row["model"]] += row["calls"]
    for prompt, counts in sorted(versions.items(), key=lambda each: -each[1].total()):
        newest = sorted(counts.items(), key=lambda each: _numbers(each[0]), reverse=True)
        yield Choice("prompt_version", f"Versions of {prompt}", prompt, _names(newest))
    for by, title, counts in (("tag", "Tags", tags), ("model", "Models", models)):
        used = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        yield Choice(by, title, "", _names(used))


def _names(counts: list[tuple[str, int]]) -> tuple[tuple[str, int, bool], ...]:
    return tuple(
        # Forms make other ends of lines of these, and pages other characters.
        (name, count, not any(each in name for each in "\0\r\n") and bool(name))
        for name, count in counts[:_NAMES]
    )


def _numbers(name: str) -> list[tuple[int, str]]:
    """What versions are sorted by: 10 comes behind 9."""
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in _PARTS.split(name)]


_PARTS: Final = re.compile(r"([0-9]{1,18})")
