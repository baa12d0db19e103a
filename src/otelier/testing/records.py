"""What a test looks at: model calls, tools, agents and retrievals as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from otelier import semconv
from otelier.viewer.facts import Facts, Tokens, objects, structure, text


@dataclass(frozen=True, slots=True, repr=False)
class _Step:
    """What all have."""

    name: str
    """The span's name, such as ``chat gpt-4o-mini``."""
    duration: float | None
    """In seconds."""
    error: str | None
    """The kind of error (``openai.RateLimitError``), or None."""
    error_message: str
    attributes: Mapping[str, Any] = field(compare=False)
    """All that the span says, by OpenTelemetry's names."""
    span: ReadableSpan = field(compare=False)

    def __repr__(self) -> str:
        return f"<{' · '.join([self.name, *self._told()])}>"

    def _told(self) -> Iterator[str]:
        if self.error is not None:
            yield f"error {self.error}"


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall:
    """A tool that a model asked for."""

    name: str
    arguments: Any
    id: str | None

    def __repr__(self) -> str:
        return called(self.name, self.arguments)


@dataclass(frozen=True, slots=True, repr=False)
class Call(_Step):
    """A call of a model: a chat, a completion, an embedding."""

    operation: str
    """``chat``, ``text_completion``, ``generate_content`` or ``embeddings``."""
    model: str
    """As it was asked for."""
    response_model: str
    """As the provider says that it answered; empty if it says nothing."""
    provider: str
    system: list[dict[str, Any]]
    """The parts of the system's instructions, where these are apart from the messages."""
    input: list[dict[str, Any]]
    """The messages: each a ``role`` and ``parts``."""
    output: list[dict[str, Any]]
    tokens: Tokens
    """``input``, ``cached``, ``output`` and ``reasoning``; None is unknown."""
    cost: float | None
    """In US dollars; None is unknown, which is not 0."""
    finish_reasons: tuple[str, ...]

    @property
    def input_text(self) -> str:
        """The texts of instructions and messages, each on lines of its own."""
        parts = [*self.system, *(part for each in self.input for part in _parts(each))]
        return "\n".join(_texts(parts))

    @property
    def output_text(self) -> str:
        """The answer's text."""
        return "\n".join(_texts(part for each in self.output for part in _parts(each)))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the answer asks for."""
        return [
            ToolCall(text(part, "name"), part.get("arguments"), text(part, "id") or None)
            for message in self.output
            for part in _parts(message)
            if part.get("type") == "tool_call"
        ]

    def _told(self) -> Iterator[str]:
        from otelier.viewer.text import dollars

        if self.tokens:
            yield f"in {self.tokens.input} out {self.tokens.output}"
        yield "no known price" if self.cost is None else dollars(self.cost)
        yield from self.finish_reasons
        # Not super(): a class with slots is made anew.
        yield from _Step._told(self)


@dataclass(frozen=True, slots=True, repr=False)
class Tool(_Step):
    """A tool that was executed."""

    tool: str
    """The tool's name."""
    arguments: Any
    """As data: mostly a dict."""
    result: Any
    """The same; of an object that has nothing but a ``result``, that."""
    call_id: str | None
    """The id by which the model asked for it."""

    def __repr__(self) -> str:
        failed = "" if self.error is None else f" · error {self.error}"
        return f"<{called(self.tool, self.arguments)}{failed}>"


@dataclass(frozen=True, slots=True, repr=False)
class Agent(_Step):
    """A run of an agent."""

    agent: str
    """The agent's name."""
    input: list[dict[str, Any]]
    output: list[dict[str, Any]]
    tokens: Tokens
    """Of all calls below it."""
    cost: float | None
    """The same; None where that of one of them is unknown."""


@dataclass(frozen=True, slots=True, repr=False)
class Retrieval(_Step):
    """A search for documents."""

    source: str
    """What was searched."""
    query: Any
    documents: list[dict[str, Any]]


def called(name: str, arguments: Any) -> str:
    """``name(city='Oslo')``."""
    if isinstance(arguments, Mapping):
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    return f"{name}({'' if arguments is None else repr(arguments)})"


# --- from spans ---------------------------------------------------------------------------------


def call(spans: Sequence[tuple[ReadableSpan, Facts]]) -> Call:
    """A model call, of which several libraries may have a span: the outermost is the first."""
    span, facts = _fullest(spans)
    attributes = dict(span.attributes or {})
    return Call(
        **_common(span, facts, attributes),
        operation=facts.operation,
        model=text(attributes, semconv.REQUEST_MODEL),
        response_model=text(attributes, semconv.RESPONSE_MODEL),
        provider=facts.provider,
        system=_objects(attributes, semconv.SYSTEM_INSTRUCTIONS),
        input=_objects(attributes, semconv.INPUT_MESSAGES),
        output=_objects(attributes, semconv.OUTPUT_MESSAGES),
        tokens=next((each.tokens for _, each in spans if each.tokens), facts.tokens),
        cost=next((each.cost for _, each in spans if each.cost is not None), None),
        finish_reasons=facts.finish_reasons,
    )


def _fullest(spans: Sequence[tuple[ReadableSpan, Facts]]) -> tuple[ReadableSpan, Facts]:
    """The span that says the most: the SDK's own call is within a framework's."""
    return max(reversed(spans), key=lambda each: len(each[0].attributes or ()))


def tool(span: ReadableSpan, facts: Facts) -> Tool:
    """A tool's execution."""
    attributes = dict(span.attributes or {})
    return Tool(
        **_common(span, facts, attributes),
        tool=facts.name,
        arguments=structure(attributes, semconv.TOOL_CALL_ARGUMENTS),
        result=_result(structure(attributes, semconv.TOOL_CALL_RESULT)),
        call_id=text(attributes, semconv.TOOL_CALL_ID) or None,
    )


def _result(value: Any) -> Any:
    """What is no object is recorded in one."""
    alone = isinstance(value, dict) and value.keys() == {"result"}
    return value["result"] if alone else value


def agent(span: ReadableSpan, facts: Facts) -> Agent:
    """An agent's run."""
    attributes = dict(span.attributes or {})
    return Agent(
        **_common(span, facts, attributes),
        agent=facts.name,
        input=_objects(attributes, semconv.INPUT_MESSAGES),
        output=_objects(attributes, semconv.OUTPUT_MESSAGES),
        tokens=facts.tokens,
        cost=None if attributes.get(semconv.UNPRICED_CALLS) else facts.cost,
    )


def retrieval(span: ReadableSpan, facts: Facts) -> Retrieval:
    """A search."""
    attributes = dict(span.attributes or {})
    return Retrieval(
        **_common(span, facts, attributes),
        source=facts.name,
        query=attributes.get(semconv.RETRIEVAL_QUERY),
        documents=_objects(attributes, semconv.RETRIEVAL_DOCUMENTS),
    )


def _common(span: ReadableSpan, facts: Facts, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": span.name,
        "duration": facts.seconds,
        "error": (facts.error_type or "error") if facts.failed else None,
        "error_message": facts.error_message,
        "attributes": attributes,
        "span": span,
    }


def _objects(attributes: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [dict(each) for each in objects(structure(attributes, name))]


def _parts(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return objects(message.get("parts"))


def _texts(parts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for part in parts:
        if part.get("type") == "text" and isinstance(part.get("content"), str):
            yield part["content"]
