"""Handlers that a run is given: where one shows all of it, ours gives way in that run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import guard, runtime
from otelier.frameworks.langchain import callbacks, others
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at each callback manager when it is configured."""
    if "_configure" not in vars(module):
        raise LookupError(f"no _configure in {module.__name__}")
    patches.wrap(module, "_configure", _configured)
    return "_configure"


def _configured(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    manager = wrapped(*args, **kwargs)
    try:
        # Most have ours alone.
        if len(manager.handlers) > 1 and runtime.current() is not None:
            shown = others.of_run(manager.handlers)
            if shown is not None:
                callbacks.give_way(manager, shown[1])
                guard.say_once(
                    f"langchain beside {shown[0]}",
                    "a run of langchain is shown by %s already; otelier leaves its steps alone",
                    shown[0],
                )
    except Exception:
        guard.failed("langchain.given")
    return manager
