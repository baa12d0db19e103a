"""LiteLLM's own telemetry (``callbacks=["otel"]`` and those made of it), where it goes elsewhere.

Its callback looks for the span that is current, makes its own only where there is none, and writes
into the one that it finds: into ours, then, which the user's other backend never gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import apart, guard, runtime
from otelier import context as ctx
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the callback's class; what was patched. Raises LookupError."""
    owner = getattr(module, "OpenTelemetry", None)
    if owner is None or "_get_span_context" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.OpenTelemetry._get_span_context")
    patches.wrap(owner, "_get_span_context", _outside)
    return f"{module.__name__}.OpenTelemetry._get_span_context"


def _outside(wrapped: Callable[..., Any], callback: Any, args: Any, kwargs: Any) -> Any:
    token = outside = None
    try:
        held = ctx.current()
        found = ctx.outside(held)
        if found is not held and runtime.current() is not None:
            tracer = getattr(callback, "tracer", None)
            if tracer is not None and not apart.shared(tracer):
                outside = found
                token = ctx.attach(found)
    except Exception:
        guard.failed("litellm_native.outside")
    try:
        result = wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)
    # No context would be the one that is current, which is ours again.
    if outside is not None and type(result) is tuple and len(result) == 2 and result[0] is None:
        return outside, result[1]
    return result
