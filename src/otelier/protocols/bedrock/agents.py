"""Amazon Bedrock's agents, flows, knowledge bases, reranking and guardrails.

Wire format: Agents for Amazon Bedrock Runtime API reference, "InvokeAgent", "InvokeInlineAgent",
"InvokeFlow", "Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream", "Rerank"; Amazon
Bedrock API reference, "ApplyGuardrail".
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Message,
    Part,
    Reply,
    Texts,
    WholeReader,
    finish,
    integer,
    parameters,
    string,
    tool_call,
)
from otelier.protocols.bedrock.converse import GUARDRAIL
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

_ALIAS: Final = semconv.PROVIDER_PREFIX + "agent.alias_id"
_FLOW: Final = semconv.PROVIDER_PREFIX + "flow."
_MEMORY: Final = semconv.PROVIDER_PREFIX + "memory_id"
_SEARCHES: Final = ("vectorSearchConfiguration", "managedSearchConfiguration")
_INFERENCE: Final = (
    ("maxTokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("topP", semconv.REQUEST_TOP_P, wire.number),
)


def _named(body: Wire, *names: tuple[str, str]) -> Attributes:
    return {attribute: text for name, attribute in names if (text := wire.text(body.get(name)))}


def _guarded(value: Any) -> Attributes:
    raw = wire.fields(value)
    id = wire.text(raw.get("guardrailIdentifier")) or wire.text(raw.get("guardrailId"))
    found: Attributes = {semconv.BEDROCK_GUARDRAIL_ID: id} if id else {}
    return {**found, **_named(raw, ("guardrailVersion", GUARDRAIL + "version"))}


def _message(role: str, text: Any) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": string(text)}]}


def _most(retrieval: Any) -> Attributes:
    raw = wire.fields(retrieval)
    for name in _SEARCHES:
        most = integer(wire.fields(raw.get(name)).get("numberOfResults"))
        if most is not None:
            return {semconv.RETRIEVAL_TOP_K: most}
    return {}


# --- agents and flows -------------------------------------------------------------------------


def agent_request(body: Wire) -> Attributes:
    """Attributes of an agent's or an inline agent's call."""
    return {
        **_named(
            body,
            ("agentId", semconv.AGENT_ID),
            ("agentName", semconv.AGENT_NAME),
            ("agentAliasId", _ALIAS),
            ("sessionId", semconv.CONVERSATION_ID),
            ("memoryId", _MEMORY),
            ("foundationModel", semconv.REQUEST_MODEL),
        ),
        **_guarded(body.get("guardrailConfiguration")),
    }


def agent_content(body: Wire) -> Content:
    """What the agent is asked, results that were returned to it, and its instruction."""
    found = Content()
    instruction = wire.text(body.get("instruction"))
    if instruction:
        found.system = [{"type": "text", "content": instruction}]
    state = wire.fields(body.get("sessionState") or body.get("inlineSessionState"))
    for turn in wire.items(wire.fields(state.get("conversationHistory")).get("messages")):
        raw = wire.fields(turn)
        texts = [wire.fields(each).get("text") for each in wire.items(raw.get("content"))]
        said = [{"type": "text", "content": text} for text in texts if isinstance(text, str)]
        found.messages.append({"role": string(raw.get("role")), "parts": said})
    returned = [_returned(state, each) for each in wire.items(state.get(_RETURNED))]
    if returned:
        found.messages.append({"role": "tool", "parts": returned})
    if wire.text(body.get("inputText")):
        found.messages.append(_message("user", body["inputText"]))
    return found


_RETURNED: Final = "returnControlInvocationResults"


def _returned(state: Wire, result: Any) -> Part:
    raw = wire.fields(result)
    inner = raw.get("functionResult") or raw.get("apiResult")
    part: Part = {"type": "tool_call_response", "response": wire.plain(inner)}
    if wire.text(state.get("invocationId")):
        part["id"] = state["invocationId"]
    return part


class AgentReader:
    """Reads an agent's answer. Its trace is no content; the counts in it are usage."""

    __slots__ = ("_calls", "_head", "_keep", "_last", "_text", "_usage")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._head: Wire = {}
        self._last: str | None = None
        self._text = Texts()
        self._calls: list[Part] = []
        self._usage: Usage | None = None

    def chunk(self, event: Any) -> None:
        """One event of the completion."""
        raw = wire.fields(event)
        if "chunk" in raw:
            data = wire.fields(raw["chunk"]).get("bytes")
            if self._keep and isinstance(data, bytes):
                self._text.add(data.decode("utf-8", "replace"))
        elif "returnControl" in raw:
            self._last = finish.TOOL_CALL
            if self._keep:
                self._control(wire.fields(raw["returnControl"]))
        elif "trace" in raw:
            self._count(wire.fields(wire.fields(raw["trace"]).get("trace")))

    def _control(self, raw: Wire) -> None:
        inputs = wire.items(raw.get("invocationInputs"))
        # The id is the invocation's; of several calls in it none has one.
        id = raw.get("invocationId") if len(inputs) == 1 else None
        for each in inputs:
            member = wire.fields(each)
            inner = wire.fields(
                member.get("functionInvocationInput") or member.get("apiInvocationInput")
            )
            name = inner.get("function") or inner.get("apiPath")
            given = {
                string(wire.fields(each).get("name")): wire.fields(each).get("value")
                for each in (*wire.items(inner.get("parameters")), *_sent(inner))
            }
            self._calls.append(tool_call(name, id, given))

    def _count(self, trace: Wire) -> None:
        for step in trace.values():
            output = wire.fields(wire.fields(step).get("modelInvocationOutput"))
            raw = wire.fields(wire.fields(output.get("metadata")).get("usage"))
            read, made = wire.count(raw.get("inputTokens")), wire.count(raw.get("outputTokens"))
            if read is None or made is None:
                continue
            if self._usage is None:
                self._usage = Usage(input=0, output=0)
            self._usage.input = (self._usage.input or 0) + read
            self._usage.output = (self._usage.output or 0) + made

    def whole(self, body: Any) -> None:
        """What came before the completion."""
        self._head = wire.fields(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply(usage=self._usage)
        reply.attributes.update(
            _named(self._head, ("sessionId", semconv.CONVERSATION_ID), ("memoryId", _MEMORY))
        )
        if self._last:
            reply.finish_reasons = [self._last]
        parts: list[Part] = [{"type": "text", "content": str(self._text)}] if self._text else []
        parts += self._calls
        if parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        return reply


def flow_request(body: Wire) -> Attributes:
    """Attributes of a flow's call."""
    return _named(
        body,
        ("flowIdentifier", _FLOW + "id"),
        ("flowAliasIdentifier", _FLOW + "alias_id"),
        ("executionId", _FLOW + "execution_id"),
    )


def flow_content(body: Wire) -> Content:
    """The documents that go into a flow."""
    found = Content()
    for each in wire.items(body.get("inputs")):
        found.messages.append(_document("user", wire.fields(each)))
    return found


def _document(role: str, raw: Wire) -> Message:
    document = wire.fields(raw.get("content")).get("document")
    if isinstance(document, str):
        return _message(role, document)
    return {"role": role, "parts": [{"type": "document", "content": wire.plain(document)}]}


class FlowReader:
    """Reads the documents that come out of a flow."""

    __slots__ = ("_head", "_keep", "_outputs", "_reason")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._head: Wire = {}
        self._outputs: list[Message] = []
        self._reason: str | None = None

    def chunk(self, event: Any) -> None:
        """One event of a flow."""
        raw = wire.fields(event)
        for name in ("flowOutputEvent", "flowMultiTurnInputRequestEvent"):
            if name in raw and self._keep:
                self._outputs.append(_document("assistant", wire.fields(raw[name])))
        if "flowCompletionEvent" in raw:
            self._reason = wire.text(wire.fields(raw["flowCompletionEvent"])["completionReason"])

    def whole(self, body: Any) -> None:
        """What came before the events."""
        self._head = wire.fields(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply(messages=self._outputs)
        reply.attributes.update(_named(self._head, ("executionId", _FLOW + "execution_id")))
        if self._reason:
            reply.attributes[_FLOW + "completion_reason"] = self._reason
        return reply


def _sent(inner: Wire) -> list[Any]:
    """The properties of an API call's body, which are as its parameters."""
    content = wire.fields(wire.fields(inner.get("requestBody")).get("content"))
    return [
        each
        for body in content.values()
        for each in wire.items(wire.fields(body).get("properties"))
    ]


# --- knowledge bases --------------------------------------------------------------------------


def retrieve_request(body: Wire) -> Attributes:
    """Attributes of a retrieval."""
    return {
        **_named(
            body,
            ("knowledgeBaseId", semconv.DATA_SOURCE_ID),
            ("knowledgeBaseId", semconv.BEDROCK_KNOWLEDGE_BASE_ID),
        ),
        **_most(body.get("retrievalConfiguration")),
        **_guarded(body.get("guardrailConfiguration")),
    }


def retrieve_content(body: Wire) -> Content:
    """What is looked for."""
    return Content(query=wire.text(wire.fields(body.get("retrievalQuery")).get("text")))


class RetrieveReader(WholeReader):
    """Reads what a retrieval found."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        reply.attributes.update(_named(self._raw, ("guardrailAction", GUARDRAIL + "action")))
        if self._keep:
            results = wire.items(self._raw.get("retrievalResults"))
            reply.documents = [_found(wire.fields(result)) for result in results]
        return reply


def _found(raw: Wire) -> dict[str, Any]:
    """A result as a document: text, score, and where it is."""
    inner = wire.fields(raw.get("content"))
    found: dict[str, Any] = {}
    if wire.text(raw.get("documentId")):
        found["id"] = raw["documentId"]
    if wire.number(raw.get("score")) is not None:
        found["score"] = raw["score"]
    text = wire.text(inner.get("text"))
    found["content"] = text if text is not None else wire.plain(inner)
    for name in ("location", "metadata"):
        if raw.get(name):
            found[name] = wire.plain(raw[name])
    return found


def _bases(body: Wire) -> Wire:
    config = wire.fields(body.get("retrieveAndGenerateConfiguration"))
    return wire.fields(
        config.get("knowledgeBaseConfiguration") or config.get("externalSourcesConfiguration")
    )


def generate_request(body: Wire) -> Attributes:
    """Attributes of a generation over a knowledge base, or over given sources."""
    base = _bases(body)
    generation = wire.fields(base.get("generationConfiguration"))
    texts = wire.fields(wire.fields(generation.get("inferenceConfig")).get("textInferenceConfig"))
    return {
        **_named(
            base,
            ("modelArn", semconv.REQUEST_MODEL),
            ("knowledgeBaseId", semconv.BEDROCK_KNOWLEDGE_BASE_ID),
        ),
        **_named(body, ("sessionId", semconv.CONVERSATION_ID)),
        **parameters(texts, _INFERENCE),
        **_most(base.get("retrievalConfiguration")),
        **_guarded(generation.get("guardrailConfiguration")),
    }


def generate_content(body: Wire) -> Content:
    """The question."""
    text = wire.text(wire.fields(body.get("input")).get("text"))
    return Content(messages=[_message("user", text)]) if text else Content()


class GenerateReader:
    """Reads an answer and the references in it, whole or event by event."""

    __slots__ = ("_citations", "_head", "_keep", "_said", "_text")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._head: Wire = {}
        self._text = Texts()
        self._citations: list[Any] = []
        self._said: Wire = {}

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        raw = wire.fields(event)
        if "output" in raw:
            text = wire.fields(raw["output"]).get("text")
            if self._keep and isinstance(text, str):
                self._text.add(text)
        elif "citation" in raw and self._keep:
            cited = wire.fields(raw["citation"])
            self._citations.append(cited.get("citation") or cited)
        elif "guardrail" in raw:
            self._said = {"guardrailAction": wire.fields(raw["guardrail"]).get("action")}

    def whole(self, body: Any) -> None:
        """The answer; of a stream what came before it."""
        raw = wire.fields(body)
        self._head = self._said = raw
        self.chunk({name: raw[name] for name in ("output",) if name in raw})
        if self._keep:
            self._citations += wire.items(raw.get("citations"))

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        reply.attributes.update(_named(self._head, ("sessionId", semconv.CONVERSATION_ID)))
        reply.attributes.update(_named(self._said, ("guardrailAction", GUARDRAIL + "action")))
        if self._text:
            reply.messages = [_message("assistant", str(self._text))]
        for citation in self._citations:
            for reference in wire.items(wire.fields(citation).get("retrievedReferences")):
                reply.documents.append(_found(wire.fields(reference)))
        return reply


# --- guardrails -------------------------------------------------------------------------------


def guardrail_request(body: Wire) -> Attributes:
    """Attributes of a guardrail's check."""
    return {**_guarded(body), **_named(body, ("source", GUARDRAIL + "source"))}


def guardrail_content(body: Wire) -> Content:
    """What is checked: what a user said, or what a model did."""
    role = "assistant" if body.get("source") == "OUTPUT" else "user"
    parts: list[Part] = []
    for block in wire.items(body.get("content")):
        text = wire.fields(wire.fields(block).get("text")).get("text")
        if isinstance(text, str):
            parts.append({"type": "text", "content": text})
    return Content(messages=[{"role": role, "parts": parts}]) if parts else Content()


class GuardrailReader(WholeReader):
    """Reads what a guardrail did."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        raw = self._raw
        reply.attributes.update(
            _named(
                raw,
                ("action", GUARDRAIL + "action"),
                ("actionReason", GUARDRAIL + "action_reason"),
            )
        )
        for name, value in wire.fields(raw.get("usage")).items():
            units = wire.count(value)
            if units:
                reply.attributes[f"{GUARDRAIL}usage.{_snake(name)}"] = units
        texts = [wire.fields(each).get("text") for each in wire.items(raw.get("outputs"))]
        parts: list[Part] = [
            {"type": "text", "content": text} for text in texts if isinstance(text, str)
        ]
        if self._keep and parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        return reply


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
