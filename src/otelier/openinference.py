"""What OpenInference's readers want beside the conventions' names: for Phoenix, by a setting.

Phoenix makes OpenInference's attributes of the conventions' by itself, but for these: the kinds of
some spans, and ``input.value`` and ``output.value``, which its tables, its search and its sessions
read alone (``phoenix.trace.gen_ai.conversion``, 20.26). All of it is copied from attributes that
the content policy has seen: nothing is added where nothing is recorded.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.semconv import Attributes

_KINDS: Final = {
    semconv.CHAT: "LLM",
    semconv.TEXT_COMPLETION: "LLM",
    semconv.GENERATE_CONTENT: "LLM",
    semconv.EMBEDDINGS: "EMBEDDING",
    semconv.EXECUTE_TOOL: "TOOL",
    semconv.RETRIEVAL: "RETRIEVER",
    semconv.RERANK: "RERANKER",
    semconv.APPLY_GUARDRAIL: "GUARDRAIL",
    semconv.INVOKE_AGENT: "AGENT",
    semconv.INVOKE_WORKFLOW: "CHAIN",
}
# The first that is there, of each.
_SOURCES: Final = {
    semconv.OPENINFERENCE_INPUT: (
        semconv.INPUT_MESSAGES,
        semconv.RETRIEVAL_QUERY,
        semconv.TOOL_CALL_ARGUMENTS,
        semconv.ARGUMENTS,
    ),
    semconv.OPENINFERENCE_OUTPUT: (
        semconv.OUTPUT_MESSAGES,
        semconv.RETRIEVAL_DOCUMENTS,
        semconv.TOOL_CALL_RESULT,
        semconv.RESULT,
    ),
}
# What a person says and is answered: sessions show it as a talk.
_TALKS: Final = frozenset({semconv.INVOKE_AGENT, semconv.INVOKE_WORKFLOW})


def also(attributes: Mapping[str, Any]) -> Attributes:
    """What is to be added to a span with these attributes, which are all that it will have.

    What somebody has set already stays.
    """
    found: Attributes = {}
    operation = attributes.get(semconv.OPERATION_NAME)
    kind = _KINDS.get(operation) if isinstance(operation, str) else None
    if kind is None and semconv.STEP_NAME in attributes:
        kind = "CHAIN"
    if kind is not None and semconv.OPENINFERENCE_KIND not in attributes:
        found[semconv.OPENINFERENCE_KIND] = kind
    for target, sources in _SOURCES.items():
        if target in attributes:
            continue
        for source in sources:
            value = attributes.get(source)
            if isinstance(value, str):
                text = _only_text(value) if operation in _TALKS else None
                plain = text is not None or source == semconv.RETRIEVAL_QUERY
                found[target] = value if text is None else text
                found[semconv.OPENINFERENCE_MIME_TYPES[target]] = (
                    "text/plain" if plain else "application/json"
                )
                break
    return found


def _only_text(value: str) -> str | None:
    """The text of a list of one message that is nothing but text."""
    try:
        (message,) = wire.loads(value)
        (part,) = message["parts"]
        text = part["content"] if part["type"] == "text" else None
    except (ValueError, TypeError, KeyError):
        return None
    return text if isinstance(text, str) else None
