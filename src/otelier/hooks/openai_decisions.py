"""``openai``'s runner of actions that Decisions choose: ``openai.lib.decisions_tool_runner``.

``run`` is the loop: an agent's span. The actions are the program's own functions, run inside of it,
and a model call is a child like any other; what an action is called is told nowhere beside it.
"""

from __future__ import annotations

from typing import Any

from otelier import wire
from otelier.hooks import runners
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the runners; what was patched. Raises LookupError."""
    for name in ("DecisionsToolRunner", "AsyncDecisionsToolRunner"):
        runner = getattr(module, name, None)
        if runner is None or "run" not in runner.__dict__:
            raise LookupError(f"{module.__name__}.{name}.run")
        patches.wrap(runner, "run", runners.loop(_model, lambda _: False))
    return f"{module.__name__}.{{,Async}}DecisionsToolRunner.run"


def _model(runner: Any, args: Any, kwargs: Any) -> Any:
    params = args[1] if len(args) > 1 else kwargs.get("params")
    return wire.fields(params).get("model")
