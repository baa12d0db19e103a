"""A running step: its span, content, metrics and end. Kinds of steps are a table."""

from __future__ import annotations

from contextvars import Token
from dataclasses import dataclass
from time import perf_counter, time_ns
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from otelier import context as ctx
from otelier import deferred, errors, guard, semconv, unicode, values, wire
from otelier.documents import retrieved
from otelier.runtime import Runtime
from otelier.semconv import Attributes, Instrument


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of step: how its span is named and what it carries."""

    operation: str | None
    # The attribute that holds its name, which is also in the span's name.
    named: str
    arguments: str
    result: str
    span_kind: SpanKind
    duration: Instrument | None
    # Attributes that the duration's metric has.
    measured: tuple[str, ...] = ()


WORKFLOW: Final = Kind(
    semconv.INVOKE_WORKFLOW,
    semconv.WORKFLOW_NAME,
    semconv.ARGUMENTS,
    semconv.RESULT,
    SpanKind.INTERNAL,
    semconv.WORKFLOW_DURATION,
    (semconv.WORKFLOW_NAME,),
)
AGENT: Final = Kind(
    semconv.INVOKE_AGENT,
    semconv.AGENT_NAME,
    semconv.ARGUMENTS,
    semconv.RESULT,
    SpanKind.INTERNAL,
    semconv.AGENT_DURATION,
    (semconv.AGENT_NAME, semconv.REQUEST_MODEL),
)
TOOL: Final = Kind(
    semconv.EXECUTE_TOOL,
    semconv.TOOL_NAME,
    semconv.TOOL_CALL_ARGUMENTS,
    semconv.TOOL_CALL_RESULT,
    SpanKind.INTERNAL,
    semconv.TOOL_DURATION,
    (semconv.TOOL_NAME, semconv.TOOL_TYPE, semconv.AGENT_NAME),
)
RETRIEVAL: Final = Kind(
    semconv.RETRIEVAL,
    semconv.DATA_SOURCE_ID,
    semconv.RETRIEVAL_QUERY,
    semconv.RETRIEVAL_DOCUMENTS,
    SpanKind.CLIENT,
    semconv.OPERATION_DURATION,
    (semconv.PROVIDER_NAME, semconv.REQUEST_MODEL),
)
STEP: Final = Kind(
    None, semconv.STEP_NAME, semconv.ARGUMENTS, semconv.RESULT, SpanKind.INTERNAL, None
)

_OBJECTS: Final = (semconv.TOOL_CALL_ARGUMENTS, semconv.TOOL_CALL_RESULT)


class AgentScope:
    """What one run of an agent counts."""

    __slots__ = ("inference_calls", "name", "tool_calls")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.inference_calls = 0
        self.tool_calls = 0


class Handle:
    """A running step. Every method is safe at any time and never raises."""

    __slots__ = (
        "_agent",
        "_attributes",
        "_context",
        "_kind",
        "_open",
        "_recording",
        "_result",
        "_run",
        "_span",
        "_started",
    )

    def __init__(
        self, run: Runtime, kind: Kind, attributes: Attributes, agent: AgentScope | None
    ) -> None:
        parent = ctx.current()
        outer: AgentScope | None = parent.get(ctx.AGENT)  # type: ignore[assignment]
        if kind.operation is not None:
            attributes = {semconv.OPERATION_NAME: kind.operation, **attributes}
        if kind is TOOL and outer is not None:
            outer.tool_calls += 1
            if outer.name:
                attributes.setdefault(semconv.AGENT_NAME, outer.name)
        attributes = unicode.attributes(attributes)
        name = attributes.get(kind.named)
        title = " ".join(str(part) for part in (kind.operation, name) if part)
        self._run = run
        self._kind = kind
        self._attributes = attributes
        self._agent = agent
        self._result = False
        self._open = [True]
        self._span: Span = run.tracer.start_span(title, parent, kind.span_kind, attributes)
        self._context = ctx.with_span(self._span, parent, ctx.AGENT, agent or outer)
        self._recording = self._span.is_recording()
        self._started = perf_counter()

    @property
    def span(self) -> Span:
        """The OpenTelemetry span."""
        return self._span

    @property
    def wants_content(self) -> bool:
        """Whether arguments and results are of use."""
        return self._recording and self._run.settings.capture.spans

    @property
    def ended(self) -> bool:
        """Whether the span has ended."""
        return not self._open

    @property
    def agent(self) -> AgentScope | None:
        """What the run of an agent counts."""
        return self._agent

    def set(self, name: str, value: semconv.Value) -> None:
        """Set an attribute of the span."""
        try:
            name, value = unicode.clean(name), unicode.cleaned(value)
            self._attributes[name] = value
            self._span.set_attribute(name, value)
        except Exception:
            guard.failed("pipeline.set")

    def set_arguments(self, value: Any) -> None:
        """What goes in: a tool's arguments, a retrieval's query."""
        self._content(self._kind.arguments, value)

    def set_result(self, value: Any) -> None:
        """What comes out: a tool's result, a retrieval's documents."""
        self._result = True
        if self._kind is RETRIEVAL:
            self.set_documents(value)
        else:
            self._content(self._kind.result, value)

    def set_query(self, text: str) -> None:
        """The query of a retrieval."""
        self._content(semconv.RETRIEVAL_QUERY, text)

    def set_documents(self, documents: Any) -> None:
        """The documents of a retrieval: dicts, objects, texts, or (document, score) pairs."""
        self._result = True
        try:
            if self.wants_content:
                self._content(semconv.RETRIEVAL_DOCUMENTS, retrieved(documents))
        except Exception:
            guard.failed("pipeline.documents")

    def _content(self, name: str, value: Any) -> None:
        if not self.wants_content:
            return
        try:
            found: Attributes = {}
            if name == semconv.RETRIEVAL_QUERY:
                self._run.policy.text(name, values.words(value), found)
            else:
                shown = wire.plain(wire.parsed(value))
                # The conventions want an object.
                if name in _OBJECTS and type(shown) is not dict:
                    shown = {"result": shown}
                self._run.policy.value(name, shown, found)
            self._span.set_attributes(found)
        except Exception:
            guard.failed("pipeline.content")

    def enter(self) -> Token[Context] | None:
        """Make the step's span current."""
        try:
            return ctx.attach(self._context)
        except Exception:
            guard.failed("pipeline.enter")
            return None

    def end(self, error: BaseException | None = None) -> None:
        """End the step, once."""
        self._end(None if error is None else errors.kind(error), error)

    def fail(self, kind: str, message: str | None = None) -> None:
        """End the step, once, as failed without an exception that passed."""
        self._end(unicode.clean(kind), message)

    def _end(self, said: str | None, problem: BaseException | str | None) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        # What follows is ours, not the operation's.
        seconds, now = perf_counter() - self._started, time_ns()
        try:
            self._finish(said, problem, seconds)
        except Exception:
            guard.failed("pipeline.end")
        finally:
            try:
                self._span.end(now)
            except Exception:  # A processor of the program's may raise.
                guard.failed("handle.span.end")

    def left(self) -> None:
        """End a step whose generator was closed, maybe by the garbage collector."""
        if deferred.inside_telemetry():
            deferred.defer(self.end)
        else:
            self.end()

    def _finish(
        self, said: str | None, problem: BaseException | str | None, seconds: float
    ) -> None:
        if said is not None and self._recording:
            self._span.set_attribute(semconv.ERROR_TYPE, said)
            message = self._run.policy.message(problem)
            self._span.set_status(Status(StatusCode.ERROR, message or None))
        recorder = self._run.recorder
        if recorder is None:
            return
        kind = self._kind
        measured: Attributes = {
            name: self._attributes[name] for name in kind.measured if name in self._attributes
        }
        if kind is RETRIEVAL:
            measured[semconv.OPERATION_NAME] = semconv.RETRIEVAL
        if self._agent is not None:
            named: Attributes = {semconv.AGENT_NAME: self._agent.name} if self._agent.name else {}
            for instrument, value in (
                (semconv.AGENT_INFERENCES, self._agent.inference_calls),
                (semconv.AGENT_TOOLS, self._agent.tool_calls),
            ):
                recorder.step(instrument, value, named, self._context)
        if said is not None:
            measured[semconv.ERROR_TYPE] = said
        if kind.duration is not None:
            recorder.step(kind.duration, seconds, measured, self._context)


class NoHandle:
    """Stands for a step that is not recorded."""

    wants_content = False
    ended = False
    agent = None

    @property
    def span(self) -> Span:
        """The current span."""
        from opentelemetry.trace import get_current_span

        return get_current_span()

    def set(self, name: str, value: semconv.Value) -> None:
        """Nothing."""

    def set_arguments(self, value: Any) -> None:
        """Nothing."""

    set_result = set_query = set_documents = set_arguments

    def enter(self) -> None:
        """Nothing."""

    def end(self, error: BaseException | None = None) -> None:
        """Nothing."""

    def left(self) -> None:
        """Nothing."""

    def fail(self, kind: str, message: str | None = None) -> None:
        """Nothing."""


NO_HANDLE: Final = NoHandle()
