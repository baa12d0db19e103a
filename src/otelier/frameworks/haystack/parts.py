"""One component in a pipeline's run, as far as it is not seen for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelier import guard, pipeline, statics
from otelier.frameworks.haystack import (
    components,
    embeddings,
    generators,
    reading,
    running,
    searches,
)
from otelier.frameworks.models import Asking
from otelier.handle import Handle, NoHandle
from otelier.returned import leave


class Part(NoHandle):
    """What of one component's run is to be seen: a step, a model's call, an embedding's text."""

    def __init__(self, inputs: Mapping[str, Any], handle: Handle | None, asks: Any) -> None:
        """``asks`` is a generator, if it is one."""
        self._inputs = inputs
        self._handle = handle
        self._asks = asks
        self._asking: Asking | None = None
        self._tokens: list[Any] = []
        # What it has answered.
        self.result: Any = None

    def enter(self) -> Any:
        """The component runs from now on."""
        if self._handle is not None:
            self._tokens.append(self._handle.enter())
        try:
            if self._asks is not None:
                # What it asks belongs into its step.
                self._asking = generators.begin(self._asks, self._inputs)
            if self._asking is not None:
                self._tokens.append(self._asking.enter())
        except Exception:
            guard.failed("haystack.part")
        return self._leave

    def _leave(self) -> None:
        while self._tokens:
            leave(self._tokens.pop())

    def end(self, error: BaseException | None = None) -> None:
        """It has answered, or it has not."""
        if self._asking is not None:
            self._asking.answer = self.result
            self._asking.end(error)
        try:
            if error is None:
                embeddings.note(self._inputs, self.result)
                if self._handle is not None:
                    searches.finish(self._handle, self.result)
        except Exception:
            guard.failed("haystack.part")
        if self._handle is not None:
            self._handle.end(error)


def finish(part: Any, result: Any) -> None:
    """A component has answered."""
    part.result = result


def begin(_: Any, args: Any, kwargs: Any) -> Part | None:
    """What is to be seen of a component that is run with these; None if nothing is."""
    if not running.shown():
        return None
    # By name, but in earlier versions.
    held = kwargs.get("component") or next((each for each in args if type(each) is dict), None)
    component = held.get("instance") if type(held) is dict else None
    if component is None or _stops(kwargs):
        return None
    inputs = kwargs.get("inputs", kwargs.get("component_inputs"))
    if type(inputs) is not dict:
        inputs = {}
    programs, handle = reading.is_programs(component), None
    if _searches(component, programs):
        handle = searches.begin(component, (), inputs)
    elif running.inner() and not _shown_by_itself(component):
        handle = running.begin(pipeline.step(_name(component, kwargs)))
    # Haystack's own that are no generators only hand over: routers, pipelines in a component.
    asks = component if programs and generators.is_one(component) else None
    if handle is None and asks is None and not _embeds(component):
        return None
    return Part(inputs, handle, asks)


def _stops(kwargs: Any) -> bool:
    """Whether the program wants to stop before this component."""
    wanted, name = kwargs.get("break_point"), kwargs.get("component_name")
    if wanted is None or statics.member(wanted, "component_name") != name:
        return False
    visits = kwargs.get("component_visits")
    visit = visits.get(name) if type(visits) is dict else None
    return bool(statics.member(wanted, "visit_count") == visit)


def _name(component: Any, kwargs: Any) -> str:
    told = kwargs.get("component_name")
    if type(told) is str and told:
        return told
    return reading.name(component) or statics.name(type(component))


def _searches(component: Any, programs: bool) -> bool:
    """Whether a component is a search that nobody else sees.

    A pipeline of the program's in a component is a workflow, and one of Haystack's own is hidden.
    """
    kind = type(component)
    return searches.searches(kind) and (
        programs or (reading.is_own(kind) and not components.sees_to(component))
    )


def _shown_by_itself(component: Any) -> bool:
    """Whether its run is a step of its own: a search, an agent, a pipeline."""
    kind = type(component)
    return searches.searches(kind) or any(
        name in ("Agent", "SuperComponent", "_SuperComponent") for name in reading.names(kind)
    )


def _embeds(component: Any) -> bool:
    return "embedding" in reading.outputs(component)
