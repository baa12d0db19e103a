"""What Google ADK's spans are, and what they should say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import following, natives, semconv
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "gcp.vertex.agent"
# How a span's name begins: its operation, and the attribute that says whose.
_NAMES: Final = (
    ("invoke_agent ", semconv.INVOKE_AGENT, semconv.AGENT_NAME),
    ("invoke_workflow ", semconv.INVOKE_WORKFLOW, semconv.WORKFLOW_NAME),
    ("execute_tool ", semconv.EXECUTE_TOOL, semconv.TOOL_NAME),
    ("generate_content ", semconv.GENERATE_CONTENT, semconv.REQUEST_MODEL),
)
# The same before they had the conventions' names: ``agent_run [weather_agent]``.
_OLDER: Final = (
    ("agent_run [", semconv.INVOKE_AGENT, semconv.AGENT_NAME),
    ("tool_call [", semconv.EXECUTE_TOOL, semconv.TOOL_NAME),
)
# Around a model call: not in the newest versions.
_CALL: Final = "call_llm"
# Not a tool's run: what all tools of one answer have given.
_MERGED: Final = "(merged)"
_TYPES: Final = ("function", "extension", "datastore")
_EVENT: Final = "gcp.vertex.agent.event_id"
_SESSION: Final = "gcp.vertex.agent.session_id"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans: only the telemetry's module is there to tell that they come."""
    if not hasattr(module, "trace_tool_call"):
        raise LookupError("no google.adk.telemetry.trace_tool_call")
    patches.undone(natives.watch(SCOPE, natives.Native(begins, ends, mirrors=True, again=(_CALL,))))
    return f"spans of {SCOPE}"


def kind(name: str) -> tuple[str | None, str, str]:
    """The operation of a span, the attribute that names its thing, and that name."""
    for beginning, operation, attribute in _NAMES:
        if name.startswith(beginning):
            named = name[len(beginning) :]
            return (None, "", "") if named == _MERGED else (operation, attribute, named)
    for beginning, operation, attribute in _OLDER:
        if name.startswith(beginning):
            return operation, attribute, name[len(beginning) :].rstrip("]")
    return None, "", ""


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is that begins; by the conventions' name, if it has an older one."""
    if span.name == _CALL:
        # What goes out beneath it is the agent's.
        return semconv.GENERATE_CONTENT, None
    operation, attribute, named = kind(span.name)
    if operation is not None and not span.name.startswith(operation):
        span.update_name(f"{operation} {named}")
        span.set_attributes({semconv.OPERATION_NAME: operation, attribute: named})
    return operation, named or None


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a span of its lacks, or says otherwise than the conventions."""
    found: Attributes = {}
    operation, event = kind(span.name)[0], present.get(_EVENT)
    if operation is not None and type(event) is str:
        # What the program gets of a model's answer, or a tool's, has this id and no other.
        following.answer(event, span)
    if operation == semconv.EXECUTE_TOOL:
        if present.get(semconv.TOOL_TYPE) not in _TYPES:
            # It says the class of the tool.
            found[semconv.TOOL_TYPE] = "function"
    elif semconv.CONVERSATION_ID not in present and isinstance(present.get(_SESSION), str):
        found[semconv.CONVERSATION_ID] = present[_SESSION]
    return found
