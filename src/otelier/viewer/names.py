"""What the viewer knows about operations: how each is called, and where its name is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otelier import semconv


@dataclass(frozen=True, slots=True)
class Kind:
    """How the spans of one operation are shown."""

    label: str
    name: str
    """The attribute that holds the name shown."""


OPERATIONS: Final[Mapping[str, Kind]] = {
    semconv.CHAT: Kind("chat", ""),
    semconv.TEXT_COMPLETION: Kind("completion", ""),
    semconv.GENERATE_CONTENT: Kind("generate", ""),
    semconv.EMBEDDINGS: Kind("embeddings", ""),
    semconv.MODERATION: Kind("moderation", ""),
    semconv.COUNT_TOKENS: Kind("count tokens", ""),
    semconv.EXECUTE_TOOL: Kind("tool", semconv.TOOL_NAME),
    semconv.RETRIEVAL: Kind("retrieval", semconv.DATA_SOURCE_ID),
    semconv.INVOKE_WORKFLOW: Kind("workflow", semconv.WORKFLOW_NAME),
    semconv.INVOKE_AGENT: Kind("agent", semconv.AGENT_NAME),
    "create_agent": Kind("create agent", semconv.AGENT_NAME),
    "plan": Kind("plan", semconv.AGENT_NAME),
}
STEP: Final = Kind("step", semconv.STEP_NAME)

# Only these are counted: others repeat the sums of the calls below them.
COUNTED: Final = semconv.PRICED
# Below these a model call is a call of its own, whatever is above.
SUMS: Final = frozenset(
    {
        semconv.INVOKE_AGENT,
        semconv.INVOKE_WORKFLOW,
        semconv.EXECUTE_TOOL,
        semconv.RETRIEVAL,
        "plan",
    }
)
SESSION: Final[Mapping[str, str]] = {
    semconv.CONVERSATION_ID: "conversation",
    semconv.SESSION_ID: "session",
    semconv.USER_ID: "user",
}
# How a stream or a step was left, in words.
LEFT: Final = {"closed": "closed early"}
