"""The framework's own switches of its telemetry, which it asks for each span.

``are_model_diagnostics_enabled()`` and ``are_sensitive_events_enabled()`` say what the program has
set in its environment. Content goes nowhere where otelier is told that there is to be none; the
spans of agents, which are ours, are not made again.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import apart, guard, runtime, statics
from otelier.frameworks.semantic_kernel import agents, elsewhere
from otelier.hooks.patching import Patches

_ENABLED: Final = "are_model_diagnostics_enabled"
_SENSITIVE: Final = "are_sensitive_events_enabled"
_MODELS: Final = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
_FLAGS: Final = ("enable_otel_diagnostics", "enable_otel_diagnostics_sensitive")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the switches, as the module of agents' spans asks them."""
    if "tracer" not in module.__dict__:
        raise LookupError(f"{module.__name__}.tracer")
    tracer = module.tracer
    if _ENABLED not in module.__dict__:
        # In older versions there is none (``older``).
        return f"{module.__name__}.tracer"

    def enabled(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
        told = wrapped(*args, **kwargs)
        try:
            # What goes elsewhere than ours is the program's own matter.
            if told and agents.here() is not None and apart.shared(tracer):
                return False
        except Exception:
            guard.failed("semantic_kernel.enabled")
        return told

    patches.wrap(module, _ENABLED, enabled)
    tighten(module, patches)
    elsewhere.look(module, patches)
    return f"{module.__name__}.{_ENABLED}"


def tighten(module: Any, patches: Patches) -> None:
    """Wrap the switch for content, as a module asks it."""
    if _SENSITIVE in module.__dict__:
        patches.wrap(module, _SENSITIVE, _sensitive)


def _sensitive(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    told = wrapped(*args, **kwargs)
    try:
        run = runtime.current()
        if told and run is not None:
            wanted = run.captures(runtime.here())
            return wanted.spans or wanted.events
    except Exception:
        guard.failed("semantic_kernel.sensitive")
        return False
    return told


def on() -> bool:
    """Whether the framework has spans of model calls."""
    settings = statics.storage(statics.loaded(_MODELS, "MODEL_DIAGNOSTICS_SETTINGS"))
    return any(settings.get(name) is True for name in _FLAGS)
