"""What AutoGen's spans are, and what they should say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import natives, semconv
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "autogen-core"
_OPERATIONS: Final = {
    "invoke_agent": semconv.INVOKE_AGENT,
    "execute_tool": semconv.EXECUTE_TOOL,
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans."""
    if not hasattr(module, "trace_tool_span"):
        raise LookupError("autogen_core._telemetry._genai.trace_tool_span")
    patches.undone(natives.watch(SCOPE, natives.Native(begins, ends, mirrors=True)))
    return f"spans of {SCOPE}"


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is that begins, by its name."""
    return natives.by_name(span, _OPERATIONS)


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a tool's span lacks."""
    return {semconv.TOOL_TYPE: "function"} if begins(span)[0] == semconv.EXECUTE_TOOL else {}
