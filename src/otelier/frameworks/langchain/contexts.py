"""What is current in the body of a run.

Before a step, a node or a tool runs, LangChain and LangGraph copy the context and call
``_set_config_context`` in the copy. What is attached there is left with the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import guard
from otelier.frameworks.langchain import bound
from otelier.frameworks.langchain.open_runs import runs
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAM: Final = "_set_config_context"
# Modules that have it by name, of versions that take it from there.
_ALSO: Final = (
    "langchain_core.runnables.base",
    "langchain_core.runnables.fallbacks",
    "langchain_core.tools.base",
    "langgraph.utils.runnable",
)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the function that both have, in ``module`` and where else it is known by name."""
    if _SEAM not in vars(module):
        raise LookupError(f"no {_SEAM} in {module.__name__}")
    bound.wrap(patches, module, _SEAM, _enter, _ALSO)
    return _SEAM


def _enter(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    try:
        config = argument(args, kwargs, 0, "config")
        callbacks = config.get("callbacks") if config else None
        run = runs.of(getattr(callbacks, "parent_run_id", None))
        if run is not None and not run.inside:
            ctx.attach(run.context)
    except Exception:
        guard.failed("langchain.contexts")
    return wrapped(*args, **kwargs)
