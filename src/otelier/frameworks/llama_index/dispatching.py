"""The seam: handlers of spans and of events at the root of the framework's dispatchers.

A call is entered and left in one context, so a step can be attached where it begins and detached
where it ends. The one exception are workflows of earlier versions (:mod:`.futures`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from otelier import guard
from otelier.frameworks import steps
from otelier.frameworks.llama_index import (
    agents,
    classes,
    engines,
    inner,
    models,
    retrieval,
    tools,
    workflows,
)
from otelier.frameworks.llama_index.seen import LIBRARY, Entered, leave, runs
from otelier.frameworks.steps import Run
from otelier.hooks.patching import Patches

# How an id ends: with a hyphen and a UUID.
_UUID: Final = 37

_BEGIN: Final[dict[str, Callable[[Entered], Run | None]]] = {
    classes.AGENT: agents.begin,
    classes.RUNNER: engines.begin_agent,
    classes.TEAM: agents.begin_team,
    classes.WORKFLOW: workflows.begin,
    classes.TOOL: tools.begin,
    classes.RETRIEVAL: retrieval.begin,
    classes.ENGINE: engines.begin,
    classes.CHAT: engines.begin_chat,
    classes.WRITING: engines.begin_writing,
    classes.MODEL: models.begin,
    classes.INNER: inner.begin,
}


class Spans:
    """A handler of spans, as the dispatcher calls it. It keeps nothing that is not open."""

    def __init__(self, root: Any) -> None:
        self._root = root
        # The dispatcher looks through them when it shuts down.
        self.open_spans: dict[str, Any] = {}

    def span_enter(
        self,
        id_: str,
        bound_args: Any,
        instance: Any = None,
        parent_id: str | None = None,
        tags: Any = None,
        **_: Any,
    ) -> None:
        """A call begins."""
        try:
            if not steps.shown(LIBRARY, self._others):
                return
            method = id_[:-_UUID].rpartition(".")[2]
            kind = None if instance is None else classes.kind(instance, method)
            if kind is not None:
                _BEGIN[kind](Entered(id_, parent_id, instance, method, bound_args.arguments))
            elif parent_id is not None and runs.of(parent_id) is not None:
                inner.step(Entered(id_, parent_id, instance, method, bound_args.arguments))
        except Exception:
            guard.failed("llama_index.enter")

    def span_exit(
        self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **_: Any
    ) -> None:
        """A call has returned."""
        run = runs.pop(id_)
        if run is None:
            return
        try:
            leave(run).finish(run, result)
        except Exception:
            guard.failed("llama_index.exit")
            if run.handle is not None:
                run.handle.end()

    def span_drop(
        self,
        id_: str,
        bound_args: Any,
        instance: Any = None,
        err: BaseException | None = None,
        **_: Any,
    ) -> None:
        """A call has raised."""
        run = runs.pop(id_)
        if run is None:
            return
        try:
            leave(run).fail(run, err)
        except Exception:
            guard.failed("llama_index.drop")
            if run.handle is not None:
                run.handle.end()

    def capture_propagation_context(self) -> dict[str, Any]:
        """Nothing: contexts are inherited in one process."""
        return {}

    def restore_propagation_context(self, context: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """End what is open: the dispatcher shuts down."""
        runs.clear()

    def _others(self) -> Iterator[Any]:
        yield from self._root.span_handlers
        yield from self._root.event_handlers


class Events:
    """A handler of events: of all that there are, the ends of streams are looked at."""

    def handle(self, event: Any, **_: Any) -> None:
        """One event; there is one for each piece of a stream."""
        over = models.ENDS.get(type(event).__name__)
        if over is not None:
            try:
                over(event)
            except Exception:
                guard.failed("llama_index.event")

    async def ahandle(self, event: Any, **_: Any) -> None:
        """The same, for those that wait for it."""
        self.handle(event)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Register the handlers, once: newer versions have the root under two names."""
    try:
        root = module.root_dispatcher
        spans, events = root.span_handlers, root.event_handlers
    except AttributeError as problem:
        raise LookupError("no root dispatcher") from problem
    if not any(type(each) is Spans for each in spans):
        ours: tuple[tuple[list[Any], Any], ...] = ((spans, Spans(root)), (events, Events()))
        for handlers, handler in ours:
            handlers.append(handler)
        patches.undone(lambda: _taken_back(root))
    return f"{module.__name__}.root_dispatcher"


def _taken_back(root: Any) -> None:
    # Programs may have put other lists in their place.
    root.span_handlers = [each for each in root.span_handlers if type(each) is not Spans]
    root.event_handlers = [each for each in root.event_handlers if type(each) is not Events]
    runs.clear()
    models.forget()
    engines.forget()
