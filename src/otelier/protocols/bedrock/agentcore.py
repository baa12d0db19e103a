"""Amazon Bedrock AgentCore: agents that run there, with bodies of their own, and its harness.

Wire format: Amazon Bedrock AgentCore API reference, "InvokeAgentRuntime" (payload and response are
the agent's own; the developer guide's contract has a ``prompt`` in the one, and JSON or server-sent
events in the other) and "InvokeHarness" (messages and events as Converse has them).
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Content, Part, Reply, Route, Texts, integer, put
from otelier.protocols.bedrock import converse as bedrock_converse
from otelier.semconv import Attributes
from otelier.wire import Wire

_QUALIFIER: Final = semconv.PROVIDER_PREFIX + "agent.qualifier"
# Protocols of other kinds that a runtime may speak: their requests are no call of an agent.
_OTHER: Final = ("mcpMethod", "mcpSessionId", "mcpProtocolVersion")
_MODELS: Final = (
    "bedrockModelConfig",
    "openAiModelConfig",
    "geminiModelConfig",
    "liteLlmModelConfig",
)


def is_agent(params: Wire) -> bool:
    """Whether InvokeAgentRuntime calls an agent, and no server of tools."""
    return not any(params.get(name) for name in _OTHER)


def request(params: Wire) -> Attributes:
    """Attributes of a call of a runtime or a harness; their ARNs are ids that AWS gives."""
    found: Attributes = {}
    put(found, semconv.AGENT_ID, params.get("agentRuntimeArn") or params.get("harnessArn"))
    put(found, _QUALIFIER, params.get("qualifier"))
    put(found, semconv.CONVERSATION_ID, params.get("runtimeSessionId"))
    put(found, semconv.USER_ID, params.get("runtimeUserId"))
    model = wire.fields(params.get("model"))
    for name in _MODELS:
        put(found, semconv.REQUEST_MODEL, wire.fields(model.get(name)).get("modelId"))
    most = integer(params.get("maxTokens"))
    if most is not None:
        found[semconv.REQUEST_MAX_TOKENS] = most
    return found


def content(params: Wire) -> Content:
    """What the agent is asked: the payload's prompt, else all of it."""
    found = Content()
    given = wire.fields(params.get("payload"))
    prompt = wire.text(given.get("prompt"))
    if prompt:
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": prompt}]})
    elif given:
        found.messages.append({"role": "user", "parts": [_data(given)]})
    return found


def _data(value: Any) -> Part:
    if isinstance(value, str):
        return {"type": "text", "content": value}
    return {"type": "json", "content": wire.plain(value)}


class Reader:
    """Reads what an agent's runtime answers: any JSON, text, or events of either."""

    __slots__ = ("_body", "_head", "_keep", "_pieces", "_texts")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._head: Wire | None = None
        self._body: Any = None
        self._texts = Texts()
        # Whether all events were text: others are the agent's own, and nobody knows how they join.
        self._pieces = True

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        if isinstance(event, str):
            if self._keep:
                self._texts.add(event)
        else:
            self._pieces = False

    def whole(self, body: Any) -> None:
        """What botocore returned; then the agent's body, when it was read."""
        if self._head is None:
            self._head = wire.fields(body)
        elif self._keep:
            self._body = body

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply, head = Reply(), self._head or {}
        put(reply.attributes, semconv.CONVERSATION_ID, head.get("runtimeSessionId"))
        said = str(self._texts) if self._texts and self._pieces else self._body
        if self._keep and said is not None:
            reply.messages = [{"role": "assistant", "parts": [_data(said)]}]
        return reply


RUNTIME: Final = Route(semconv.INVOKE_AGENT, request, content, Reader, named_by_model=False)


def _harness_content(params: Wire) -> Content:
    found = bedrock_converse.content({"messages": params.get("messages")})
    found.system = bedrock_converse.parts(params.get("systemPrompt"))
    for tool in map(wire.fields, wire.items(params.get("tools"))):
        name = wire.text(tool.get("name")) or wire.text(tool.get("type"))
        if name:
            found.tools.append({"type": wire.text(tool.get("type")) or "function", "name": name})
    return found


HARNESS: Final = Route(
    semconv.INVOKE_AGENT,
    request,
    _harness_content,
    bedrock_converse.Reader,
    {semconv.REQUEST_STREAM: True},
    named_by_model=False,
)
