"""DSPy's threads: what runs in one belongs where the program has asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import guard, runtime
from otelier.hooks import threads
from otelier.hooks.calling import argument, instead
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a function on many items in threads: ``Parallel``, ``batch``, ``Evaluate``."""
    owner = module.__dict__.get("ParallelExecutor")
    if owner is None or "execute" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.ParallelExecutor.execute")
    patches.wrap(owner, "execute", _execute)
    return "ParallelExecutor.execute"


def _execute(wrapped: Callable[..., Any], executor: Any, args: Any, kwargs: Any) -> Any:
    try:
        function = argument(args, kwargs, 0, "function")
        if runtime.current() is not None and callable(function):
            args, kwargs = instead(args, kwargs, 0, "function", threads.carried(function))
    except Exception:
        guard.failed("dspy.threads")
    return wrapped(*args, **kwargs)
