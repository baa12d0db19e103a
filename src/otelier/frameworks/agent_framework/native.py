"""What the spans of Microsoft Agent Framework are, and what they should say.

Its address is a URL, its finish reasons are JSON text, its conversation may be the id of an answer:
:mod:`otelier.completing` puts right what such spans have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import natives, semconv
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "agent_framework"
_OPERATIONS: Final = {
    "invoke_agent": semconv.INVOKE_AGENT,
    "execute_tool": semconv.EXECUTE_TOOL,
    "chat": semconv.CHAT,
    "workflow.run": semconv.INVOKE_WORKFLOW,
}
_WORKFLOW_NAME: Final = "workflow.name"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans."""
    if not hasattr(module, "get_tracer"):
        raise LookupError("agent_framework.observability.get_tracer")
    watched = natives.Native(begins, ends, mirrors=True)
    patches.undone(natives.watch(SCOPE, watched))
    # It has metrics wherever it has spans.
    metered = natives.meters(SCOPE)
    if metered is not None:
        patches.undone(metered)
    return f"spans of {SCOPE}"


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is that begins, by its name."""
    operation, named = natives.by_name(span, _OPERATIONS)
    if operation == semconv.INVOKE_WORKFLOW:
        told = (span.attributes or {}).get(_WORKFLOW_NAME)
        return operation, told if isinstance(told, str) else None
    return operation, named


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a workflow's span lacks: its names are the framework's own."""
    found: Attributes = {}
    if begins(span)[0] == semconv.INVOKE_WORKFLOW:
        found[semconv.OPERATION_NAME] = semconv.INVOKE_WORKFLOW
        name = present.get(_WORKFLOW_NAME)
        if isinstance(name, str):
            found[semconv.WORKFLOW_NAME] = name
    return found
