"""Content on spans that somebody else made, by the names that libraries have for it.

The content policy holds for every GenAI span of the provider that otelier is on, whoever made it:
those of frameworks whose telemetry is always on, and those of other instrumentations. Content is
captured unless somebody says no; so where it is kept off spans, that is the program's own word, and
a prompt in the span of the library next door would be a leak. Whoever wants another library's
content elsewhere gives it a TracerProvider of its own. Spans without GenAI meaning are not looked
at, and of the others nothing but the names below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv, theirs, wire
from otelier.semconv import Attributes

if TYPE_CHECKING:
    from otelier.content import Policy

# What shows that a span is a GenAI one: names that are nobody else's.
_GENAI: Final = (
    "gen_ai.",
    "llm.",
    "openinference.",
    "traceloop.",
    "langfuse.observation.",
    "mlflow.span",
)
# Content by whole names: the conventions', OpenInference's, Traceloop's, and others'.
_NAMES: Final = frozenset(
    {
        *semconv.CONTENT_ATTRIBUTES,
        *semconv.OPENINFERENCE_CONTENT,
        # The conventions' before their version 1.37.
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.input",
        "gen_ai.output",
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
        "gen_ai.tool.input",
        "gen_ai.tool.output",
        "gen_ai.tool.arguments",
        "gen_ai.tool.call.input",
        "gen_ai.tool.call.output",
        "gen_ai.tool.message",
        "gen_ai.tool.json_schema",
        "gen_ai.agent.input",
        "gen_ai.agent.output",
        "gen_ai.request.messages",
        "gen_ai.response.text",
        "gen_ai.response.tool_calls",
        "gen_ai.request.available_tools",
        "gen_ai.system.message",
        # OpenInference.
        "llm.function_call",
        "llm.invocation_parameters",
        "embedding.text",
        "embedding.vector",
        "embedding.invocation_parameters",
        "tool.parameters",
        "tool.json_schema",
        "tool_call.function.arguments",
        "reranker.query",
        "document.content",
        # Traceloop.
        "traceloop.entity.input",
        "traceloop.entity.output",
        "gen_ai.task.input",
        "gen_ai.task.output",
        "gen_ai.request.structured_output_schema",
        "mcp.request.argument",
        "mcp.response.value",
        "llm.request.messages",
        "llm.response.messages",
        "llm.prompt",
        "llm.completion",
        "llm.content.prompt",
        "llm.content.completion",
        # Logfire, Langfuse, MLflow.
        "request_data",
        "response_data",
        "langfuse.observation.input",
        "langfuse.observation.output",
        "langfuse.trace.input",
        "langfuse.trace.output",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
    }
)
# Content by what names begin with: one message, its role and its tool calls have a name each.
_BEGINNINGS: Final = (
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "gen_ai.input.",
    "gen_ai.output.",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompts",
    "llm.completions",
    "llm.choices",
    "llm.tools",
    "llm.prompt_template.",
    "llm.request.functions",
    "input.audio.",
    "output.audio.",
    "embedding.embeddings",
    "retrieval.documents",
    "reranker.input_documents",
    "reranker.output_documents",
    "traceloop.prompt.",
)
# What begins like that and is none.
_NO_CONTENT: Final = frozenset(
    {
        semconv.OUTPUT_TYPE,
        semconv.PROMPT_NAME,
        semconv.PROMPT_VERSION,
        "gen_ai.output.type",
        "llm.prompt_template.version",
        "traceloop.prompt.key",
        "traceloop.prompt.version",
        "traceloop.prompt.version_name",
        "traceloop.prompt.managed",
    }
)
# What frameworks' own telemetry calls it, by instrumentation scopes: how names begin.
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "pydantic-ai": (
        "final_result",
        "all_messages_events",
        "events",
        "model_request_parameters",
        "tool_arguments",
        "tool_response",
        "pydantic_ai.all_messages",
        "pydantic_ai.variable_instructions",
        "logfire.",
    ),
    "gcp.vertex.agent": (
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
        "gcp.vertex.agent.tool_call_args",
        "gcp.vertex.agent.tool_response",
        "gcp.vertex.agent.data",
    ),
    "strands.telemetry.tracer": ("system_prompt", "content", "query"),
    "agent_framework": (),
    "autogen-core": (),
    "autogen SingleThreadedAgentRuntime": ("message",),
    "autogen Worker Runtime": ("message",),
    "mcp-python-sdk": (),
    "semantic_kernel.functions.kernel_function": (),
    "semantic_kernel.utils.telemetry.agent_diagnostics.decorators": (),
    "semantic_kernel.utils.telemetry.model_diagnostics.decorators": (),
}
# The same of instrumentations, whose length is no matter of ours.
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "logfire.anthropic": ("events",),
    "logfire.google_genai": ("events",),
    "logfire.openai": ("events",),
}
# Span events that are one message each, or all of them.
_EVENTS: Final = frozenset(
    {
        "gen_ai.system.message",
        "gen_ai.user.message",
        "gen_ai.assistant.message",
        "gen_ai.tool.message",
        "gen_ai.choice",
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
        semconv.EVENT_DETAILS,
        "memory.content",
        "memory.query",
    }
)


def is_genai(scope: str | None, attributes: Iterable[str]) -> bool:
    """Whether a span of this scope, with these attributes, has to do with GenAI."""
    return scope in _OWN or any(name.startswith(_GENAI) for name in attributes)


def names(scope: str | None, attributes: Iterable[str]) -> list[str]:
    """Those of a GenAI span's attributes that are content."""
    own = _OWN.get(scope or "") or _BESIDE.get(scope or "", ())
    return [
        name
        for name in attributes
        if (name in _NAMES or name.startswith(_BEGINNINGS) or (own and name.startswith(own)))
        and name not in _NO_CONTENT
    ]


def is_message(event: str) -> bool:
    """Whether span events of this name are content."""
    return event in _EVENTS


def drop(span: Any, found: list[str]) -> None:
    """Take content off a span that ends: those attributes, and the events that are messages."""
    theirs.drop(span._attributes, found)
    events = getattr(span, "_events", None)
    if not events or not any(is_message(event.name) for event in events):
        return
    kept = [event for event in events if not is_message(event.name)]
    held = events._dq if hasattr(events, "_dq") else events
    held.clear()
    held.extend(kept)


def keep(
    policy: Policy,
    span: Any,
    scope: str | None,
    found: list[str],
    attributes: dict[str, Any],
) -> Attributes:
    """What the policy makes of content that stays; ``attributes`` is brought up to date.

    The program's mask looks at everybody's; the length is a matter of frameworks' own telemetry,
    which has no setting for it. What a call of ours has written has been through all of it.
    """
    too_long = scope in _OWN and _longest(found, attributes) > policy.longest
    if not (policy.masks or too_long):
        return {}
    found = [name for name in found if not theirs.is_ours(span, name, attributes[name])]
    written = _masked(policy, found, attributes)
    for event in getattr(span, "_events", None) or ():
        held = getattr(event, "_attributes", None)
        if held and is_message(event.name):
            told = dict(held)
            theirs.put(held, _masked(policy, list(told), told))
            theirs.drop(held, [name for name in held if name not in told])
    return written


def _masked(policy: Policy, found: list[str], attributes: dict[str, Any]) -> Attributes:
    written: Attributes = {}
    for name in found:
        value = attributes[name]
        if not isinstance(value, str):
            continue
        one: Attributes = {}
        told = wire.structure(value)
        if told is None:
            policy.text(name, value, one)
        else:
            policy.value(name, told, one)
        if name in one:
            attributes[name] = one[name]
            written.update(one)
        else:
            del attributes[name]
    return written


def _longest(found: Iterable[str], attributes: Mapping[str, Any]) -> int:
    """How long the longest of a span's content is."""
    return max(
        (len(value) for name in found if isinstance(value := attributes[name], str)), default=0
    )
