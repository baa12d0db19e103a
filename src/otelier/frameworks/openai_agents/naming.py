"""How a trace is called and grouped: one that is off does not know it itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import guard, statics
from otelier.frameworks.openai_agents import around
from otelier.hooks.beside import Beside
from otelier.hooks.patching import Patches

_given: Final[Beside[tuple[str | None, str | None]]] = Beside()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Keep what a trace was to be called, where tracing is off."""
    owner = statics.storage(module).get("DefaultTraceProvider")
    if "create_trace" not in getattr(owner, "__dict__", {}):
        raise LookupError("DefaultTraceProvider.create_trace")
    patches.wrap(owner, "create_trace", _create_trace)
    return "DefaultTraceProvider.create_trace"


def _create_trace(wrapped: Callable[..., Any], provider: Any, args: Any, kwargs: Any) -> Any:
    trace = wrapped(*args, **kwargs)
    try:
        if statics.name(type(trace)) == "NoOpTrace":
            given = dict(zip(("name", "trace_id", "group_id"), args, strict=False)) | kwargs
            _given.put(trace, (_text(given.get("name")), _text(given.get("group_id"))))
    except Exception:
        guard.failed("openai_agents.naming")
    return trace


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def of(trace: Any) -> tuple[str | None, str | None]:
    """A trace's name and its group, as far as they were told."""
    given = _given.of(trace)
    if given is not None:
        return given
    return around.text(trace, "_name", "name"), around.text(trace, "group_id")
