"""smolagents' own threads: what it hands to one belongs where it was handed over.

Only OpenTelemetry's context goes along. Other context variables are the program's, which finds them
in a thread only where smolagents takes them there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import runtime
from otelier.hooks.patching import Patches

_POOL: Final = "ThreadPoolExecutor"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put a pool that takes the context along in the place of the one that a module uses."""
    pool = module.__dict__.get(_POOL)
    if not isinstance(pool, type):
        # It has none, or another instrumentation's is in its place, which does the same.
        raise LookupError(f"{module.__name__}.{_POOL}")
    # Newer versions' agents take it along themselves.
    if "copy_context" not in module.__dict__:
        patches.replace(module, _POOL, _carrying(pool))
    return f"{module.__name__}.{_POOL}"


def _carrying(pool: Any) -> type:
    def submit(self: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return pool.submit(self, _there(function), *args, **kwargs)

    return type(_POOL, (pool,), {"__module__": pool.__module__, "submit": submit})


def _there(function: Callable[..., Any]) -> Callable[..., Any]:
    if runtime.current() is None:
        return function
    context = ctx.current()

    def there(*args: Any, **kwargs: Any) -> Any:
        token = ctx.attach(context)
        try:
            return function(*args, **kwargs)
        finally:
            ctx.detach(token)

    return there
