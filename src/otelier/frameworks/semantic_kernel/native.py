"""Model calls of the framework's own spans, by its switch: they stay, and are completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import natives, semconv
from otelier.frameworks.semantic_kernel import elsewhere, switches
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
_OPERATIONS: Final = {
    "chat": semconv.CHAT,
    "text_completions": semconv.TEXT_COMPLETION,
}
_REASON: Final = "gen_ai.response.finish_reason"
# Around the name of a class, as its text has it.
_CLASS: Final = ("<class '", "'>")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans, and keep content out of its events where none is wanted."""
    if "_get_completion_span" not in module.__dict__:
        raise LookupError(f"{module.__name__}._get_completion_span")
    patches.undone(natives.watch(SCOPE, natives.Native(begins, ends, mirrors=True)))
    switches.tighten(module, patches)
    elsewhere.look(module, patches)
    return f"spans of {SCOPE}"


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is, by its name; it has no attributes yet."""
    return natives.by_name(span, _OPERATIONS)


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a span of its says otherwise than the conventions."""
    found: Attributes = {}
    operation, _ = begins(span)
    if operation is not None and present.get(semconv.OPERATION_NAME) != operation:
        found[semconv.OPERATION_NAME] = operation
    error = present.get(semconv.ERROR_TYPE)
    if isinstance(error, str) and error.startswith(_CLASS[0]):
        found[semconv.ERROR_TYPE] = error.removeprefix(_CLASS[0]).removesuffix(_CLASS[1])
    return found
