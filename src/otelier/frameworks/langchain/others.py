"""Others that show LangChain's runs: their handlers, and what they wrap to bring them in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otelier import statics


def found() -> Iterator[Any]:
    """What may be another instrumentation's."""
    manager: Any = statics.loaded("langchain_core.callbacks.base", "BaseCallbackManager")
    target = vars(manager).get("__init__") if manager is not None else None
    for _ in range(16):
        if target is None:
            break
        yield target
        target = getattr(target, "__wrapped__", None)
    for hook in statics.loaded("langchain_core.tracers.context", "_configure_hooks") or ():
        handler = hook[0].get()
        if handler is not None:
            yield handler
    # LangSmith's client, where it exports by OpenTelemetry.
    for module, name in (
        ("langchain_core.tracers.langchain", "_CLIENT"),
        ("langsmith.run_trees", "_CLIENT"),
    ):
        exporter = statics.storage(statics.loaded(module, name)).get("otel_exporter")
        if exporter is not None:
            yield exporter
