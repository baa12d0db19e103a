"""A trace: its tree, and the step that is chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from otelier import semconv, wire
from otelier.store import otlp_json
from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan
from otelier.viewer.facts import text
from otelier.web.pages.lately import Lately
from otelier.web.pages.news import version
from otelier.web.pages.shell import NothingError, Shell
from otelier.web.shown import about, again, step, tree
from otelier.web.shown.tree import Nodes

# Traces that are kept as read: who reads one asks for its steps one after the other.
_KEPT: Final = 4
# What they may weigh together, in characters; and what a span weighs without its texts.
_HEAVIEST: Final = 64_000_000
_SPAN: Final = 1_000
_PLAIN: Final = {"Content-Security-Policy": "default-src 'none'"}


class Traces:
    """Traces of a store, those that were asked for lately kept. For several threads."""

    def __init__(self) -> None:
        self._kept: Lately[Nodes] = Lately(_KEPT, _weight, _HEAVIEST)

    def nodes(self, engine: Engine, trace_id: str) -> tuple[str, Nodes]:
        """A trace's version and its spans as a tree. Raises NothingError."""

        def read() -> Nodes:
            spans = engine.trace(trace_id)
            if not spans:
                raise NothingError(
                    f"There is no trace {trace_id} here: it was never stored, or is forgotten."
                )
            return tree.nodes(spans)

        now = version(engine, {"trace": trace_id})
        return now, self._kept.get(trace_id, now, read)


def _weight(nodes: Nodes) -> int:
    """About how many characters are in the spans."""
    return sum(
        _SPAN + sum(len(value) for value in node.span.attributes.values() if isinstance(value, str))
        for node, _ in nodes
    )


_Finder: TypeAlias = Callable[[Engine, Traces, Mapping[str, str]], dict[str, Any]]


def routes(shell: Shell) -> list[Route]:
    """The page, its tree as data, and what is behind its links."""
    traces = Traces()

    def page(found: _Finder, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            given = {**request.query_params, **request.path_params}
            return await shell.page(request, name, lambda engine: found(engine, traces, given))

        return answer

    async def rows(request: Request) -> Response:
        trace_id = request.path_params["trace_id"]
        found = await shell.work(request, lambda engine: _rows(engine, traces, trace_id))
        return found if isinstance(found, Response) else JSONResponse(found)

    async def raw(request: Request) -> Response:
        given = {**request.query_params, **request.path_params}
        found = await shell.work(request, lambda engine: _raw(engine, traces, given))
        if isinstance(found, Response):
            return found
        return PlainTextResponse(found, headers=_PLAIN)

    return [
        Route("/traces/{trace_id}", page(_found, "trace.html"), methods=["GET"]),
        Route("/traces/{trace_id}/{span_id}", page(_found, "trace.html"), methods=["GET"]),
        Route("/above/{trace_id}/{span_id}", page(_above, "above.html"), methods=["GET"]),
        Route("/judged/{trace_id}/{span_id}", page(_judged, "judged.html"), methods=["GET"]),
        Route("/rows/{trace_id}", rows, methods=["GET"]),
        Route("/raw/{trace_id}/{span_id}", raw, methods=["GET"]),
    ]


def _found(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    trace_id = given["trace_id"].lower()
    _, found = traces.nodes(engine, trace_id)
    at = place(found, given.get("span_id", ""))
    plain = bool(given.get("plain"))
    chosen = step.step(found, at, _before(engine, found[at][0].span), plain=plain)
    return {
        "title": f"{chosen.known.label} {chosen.known.name or chosen.known.model}".strip()
        or chosen.span.name,
        "trace_id": trace_id,
        "about": about.about(found),
        "step": chosen,
        "plain": plain,
        "again": again.possible(chosen.span),
    }


def place(found: Nodes, span_id: str) -> int:
    """Where a span is in its trace; without an id the first. Raises NothingError."""
    if not span_id:
        return 0
    for index, (node, _) in enumerate(found):
        if node.span.span_id == span_id:
            return index
    raise NothingError(f"There is no span {span_id} in this trace, or not yet.")


def _before(engine: Engine, span: StoredSpan) -> Sequence[StoredSpan]:
    """The call before this one of the same conversation, if it is in another trace."""
    conversation = text(span.attributes, semconv.CONVERSATION_ID)
    if not conversation or semconv.INPUT_MESSAGES not in span.attributes:
        return ()
    found = engine.ask(
        "SELECT trace_id, span_id FROM otelier.calls WHERE conversation = :conversation "
        "AND model_call AND trace_id != :trace_id AND time < :time ORDER BY time DESC LIMIT 1",
        {
            "conversation": conversation,
            "trace_id": span.trace_id,
            "time": about.moment(span.start_ns),
        },
    )
    for trace_id, span_id in found.rows:
        return [each for each in engine.trace(str(trace_id)) if each.span_id == span_id]
    return ()


def _above(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    _, found = traces.nodes(engine, given["trace_id"])
    span = found[place(found, given["span_id"])][0].span
    first, bubbles = step.above(span, int(given.get("until", 0)), bool(given.get("plain")))
    return {"first": first, "bubbles": bubbles, "span": span, "plain": bool(given.get("plain"))}


def _judged(engine: Engine, traces: Traces, given: Mapping[str, str]) -> dict[str, Any]:
    found = engine.ask(
        "SELECT evaluation, score, label, explanation FROM otelier.evaluations "
        "WHERE trace_id = :trace_id AND span_id = :span_id ORDER BY time",
        {"trace_id": given["trace_id"], "span_id": given["span_id"]},
    )
    return {"judged": list(found.dicts())}


def _rows(engine: Engine, traces: Traces, trace_id: str) -> dict[str, Any]:
    now, found = traces.nodes(engine, trace_id)
    return {"version": now, "rows": tree.rows(found)}


def _raw(engine: Engine, traces: Traces, given: Mapping[str, str]) -> str:
    """One attribute as it was recorded, or the whole span as OTLP has it in JSON."""
    _, found = traces.nodes(engine, given["trace_id"])
    span = found[place(found, given["span_id"])][0].span
    name = given.get("name")
    if name is None:
        return _form(span, given.get("form", "json"))
    if name not in span.attributes:
        raise NothingError(f"The span has no attribute {name}.")
    value = span.attributes[name]
    return value if isinstance(value, str) else wire.dumps(value).decode("utf-8", "replace")


def _form(span: StoredSpan, form: str) -> str:
    """The span, or the request that it is of. Raises NothingError."""
    if form == "json":
        return otlp_json.line([span]).decode()
    write = {"curl": again.curl, "python": again.python}.get(form)
    made = again.requests(span) if write is not None else None
    if write is None or made is None:
        raise NothingError(f"This span cannot be written as {form}.")
    return write(made)
