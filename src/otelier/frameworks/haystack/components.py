"""Components of Haystack's own classes: their searches and model calls, whoever calls them.

A class of the program's stays as it is written, also for who sends it to other processes by value;
the program's own components are seen where a pipeline runs them (:mod:`.pipelines`).
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from otelier import guard, statics
from otelier.frameworks.haystack import generators, reading, searches
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper, around

_SEARCH: Final = around(searches.begin, searches.finish)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the classes that are there, and each that is declared from now on."""
    decorator = module.__dict__.get("component")
    owner = type(decorator)
    if "_component" not in owner.__dict__:
        raise LookupError("haystack.core.component.component.component")

    def declared(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        kind = wrapped(*args, **kwargs)
        _wrap(kind, patches)
        return kind

    registry = statics.member(decorator, "registry")
    for kind in list(registry.values()) if type(registry) is dict else ():
        _wrap(kind, patches)
    patches.wrap(owner, "_component", declared)
    return "component"


def _wrap(kind: Any, patches: Patches) -> None:
    try:
        wrappers = _wrappers(kind)
        for name in ("run", "run_async") if wrappers is not None else ():
            function = kind.__dict__.get(name)
            if wrappers is not None and function is not None:
                patches.wrap(kind, name, wrappers[iscoroutinefunction(function)])
    except Exception:
        guard.failed("haystack.component")


def _wrappers(kind: type) -> tuple[Wrapper, Wrapper] | None:
    """What is to be around the methods of a class, if it is Haystack's own."""
    if not reading.is_own(kind):
        return None
    if searches.searches(kind):
        return _SEARCH
    return generators.AROUND if generators.generates(kind) else None


def sees_to(component: Any) -> bool:
    """Whether a component is seen wherever it is called: its ``run`` is of Haystack's own."""
    owner = reading.defines_run(type(component))
    return owner is not None and _wrappers(owner) is not None
