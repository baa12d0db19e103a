"""What a call is: by the framework's class that declares the method, and by the method's name."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from otelier import statics

AGENT: Final = "agent"
RUNNER: Final = "runner"
TEAM: Final = "team"
WORKFLOW: Final = "workflow"
TOOL: Final = "tool"
RETRIEVAL: Final = "retrieval"
ENGINE: Final = "engine"
CHAT: Final = "chat"
MODEL: Final = "model"
WRITING: Final = "writing"
INNER: Final = "inner"

# The packages in which the framework's own classes are.
_ROOTS: Final = ("llama_index", "workflows", "llama_agents")

_CHATS: Final = frozenset({"chat", "achat", "stream_chat", "astream_chat"})
_COMPLETES: Final = frozenset({"complete", "acomplete", "stream_complete", "astream_complete"})
# The first row that fits counts: what is more special stands above.
_KINDS: Final = (
    ("AgentWorkflow", frozenset({"run"}), TEAM),
    ("BaseWorkflowAgent", frozenset({"run"}), AGENT),
    ("Workflow", frozenset({"run"}), WORKFLOW),
    ("BaseTool", frozenset({"__call__", "call", "acall"}), TOOL),
    ("BaseRetriever", frozenset({"retrieve", "aretrieve"}), RETRIEVAL),
    ("BaseQueryEngine", frozenset({"query", "aquery"}), ENGINE),
    # Agents before there were workflows.
    ("BaseAgent", _CHATS, RUNNER),
    ("BaseChatEngine", _CHATS, CHAT),
    (
        "StreamingAgentChatResponse",
        frozenset({"write_response_to_history", "awrite_response_to_history"}),
        WRITING,
    ),
    ("BaseLLM", _CHATS | _COMPLETES, MODEL),
    ("BaseSynthesizer", frozenset({"synthesize", "asynthesize"}), INNER),
    ("BaseNodePostprocessor", frozenset({"postprocess_nodes", "apostprocess_nodes"}), INNER),
)

_known: WeakKeyDictionary[type, dict[str, str | None]] = WeakKeyDictionary()


def kind(owner: Any, method: str) -> str | None:
    """What a call of ``method`` of ``owner`` is; None for what is not shown."""
    found = _known.get(type(owner))
    if found is None:
        found = _known[type(owner)] = {}
    if method not in found:
        found[method] = _look_up(type(owner), method)
    return found[method]


def _look_up(owner: type, method: str) -> str | None:
    names = {statics.name(base) for base in statics.bases(owner) if is_own(base)}
    for name, methods, found in _KINDS:
        if method in methods and name in names:
            return found
    return None


def is_own(owner: type) -> bool:
    """Whether a class is the framework's own, and not the program's."""
    return statics.identity(owner)[0].partition(".")[0] in _ROOTS


def is_a(owner: Any, name: str) -> bool:
    """Whether an object is of the framework's class of that name, or of one made from it."""
    return any(statics.name(base) == name and is_own(base) for base in statics.bases(type(owner)))


def given_name(owner: Any) -> str | None:
    """What the program calls a thing that is of a class of its own; the framework's have none."""
    return None if is_own(type(owner)) else statics.name(type(owner))
