"""``openai``'s runner of actions that Decisions choose: ``openai.lib.decisions_tool_runner``.

``run`` is the loop: an agent's span. The actions are functions that it takes from the program for
each step, of which it keeps copies of its own: those are the ones that have a span each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from otelier import guard, pipeline, runtime, wire
from otelier.hooks import runners
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the runners; what was patched. Raises LookupError."""
    for name in ("DecisionsToolRunner", "AsyncDecisionsToolRunner"):
        runner = getattr(module, name, None)
        if runner is None or "run" not in runner.__dict__:
            raise LookupError(f"{module.__name__}.{name}.run")
        patches.wrap(runner, "run", runners.loop(_model, lambda _: False))
    held = getattr(module, "_Run", None)
    if held is not None and "candidates" in held.__dict__:
        patches.wrap(held, "candidates", _candidates)
    return f"{module.__name__}.{{,Async}}DecisionsToolRunner.run"


def _model(runner: Any, args: Any, kwargs: Any) -> Any:
    params = argument(args, kwargs, 1, "params")
    return wire.fields(params).get("model")


def _candidates(wrapped: Callable[..., Any], run: Any, args: Any, kwargs: Any) -> Any:
    found = wrapped(*args, **kwargs)
    try:
        if runtime.current() is not None:
            return [_seen(each) for each in found]
    except Exception:
        guard.failed("openai_decisions.candidates")
    return found


def _seen(candidate: Any) -> Any:
    if candidate.execute is None:
        return candidate  # That nothing is left to do.
    # It takes nothing, and what it returns is not looked at.
    tool = pipeline.tool(candidate.id, description=candidate.description, capture=False)
    return dataclasses.replace(candidate, execute=tool(candidate.execute))
