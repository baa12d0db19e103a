"""A running step: its span, content, metrics and end."""

from __future__ import annotations

from contextvars import Token
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

import otelier.ready  # noqa: F401 - ends import nothing
from otelier import (
    apart,
    deferred,
    errors,
    guard,
    leaving,
    semconv,
    theirs,
    under_way,
    unicode,
    values,
    wire,
)
from otelier import context as ctx
from otelier.conversation import Conversation
from otelier.kinds import AGENT, RETRIEVAL, Kind
from otelier.nohandle import NO_HANDLE as NO_HANDLE
from otelier.nohandle import NoHandle as NoHandle
from otelier.prompts import Named
from otelier.runtime import Runtime, narrowed
from otelier.scope import Scope, around, beneath, spent, watching
from otelier.semconv import Attributes

if TYPE_CHECKING:
    from decimal import Decimal

    from otelier.content import Policy

# Nothing is left to be recorded beside the messages.
_NOTHING: Final = object()
_OBJECTS: Final = (semconv.TOOL_CALL_ARGUMENTS, semconv.TOOL_CALL_RESULT)


class Handle:
    """A running step. Every method is safe at any time and never raises."""

    holds: Final = True

    __slots__ = (
        "__weakref__",
        "_attributes",
        "_context",
        "_conversation",
        "_cost",
        "_failure",
        "_kind",
        "_lent",
        "_open",
        "_recording",
        "_result",
        "_run",
        "_scope",
        "_span",
        "_started",
        "_under",
    )

    def __init__(
        self,
        run: Runtime,
        kind: Kind,
        attributes: Attributes,
        parent: Context | None = None,
        lent: Span | None = None,
    ) -> None:
        """``parent``: where it was called, if that is not here; ``lent``: somebody's span of it."""
        if parent is None:
            parent = ctx.current()
        parent = narrowed(parent)
        outer: Scope | None = around(parent)
        if kind.operation is not None:
            attributes = {semconv.OPERATION_NAME: kind.operation, **attributes}
        attributes = unicode.attributes(attributes)
        if kind.is_tool and outer is not None and (agent := outer.agent) is not None:
            agent.tool_calls += 1
            if agent.name:
                attributes.setdefault(semconv.AGENT_NAME, agent.name)
        name = attributes.get(kind.named)
        title = " ".join(str(part) for part in (kind.title or kind.operation, name) if part)
        self._run = run
        self._kind = kind
        self._attributes = attributes
        self._scope = (
            Scope(outer, name if isinstance(name, str) else None, kind is AGENT)
            if kind.sums
            else None
        )
        self._result = False
        self._cost: list[float] | None = None
        # What failed in it without an exception that passes.
        self._failure: tuple[str, str | None] | None = None
        # The policy that content was made by.
        self._under: Any = None
        held = under_way.ref(self, under_way.forget)
        self._open = [held]
        self._lent = lent is not None
        if lent is not None:
            self._span: Span = lent
            self._put(attributes)
            self._context = ctx.with_value(parent, ctx.STEP, self)
        else:
            above = apart.home(parent) if apart.homes else parent
            self._span = run.tracer.start_span(title, above, kind.span_kind, attributes)
            self._context = ctx.with_span(self._span, parent, ctx.STEP, self)
        if self._scope is not None:
            self._context = ctx.with_value(self._context, ctx.SCOPE, self._scope)
            if watching and (found := beneath.get(self._span)) is not None:
                found.scope = self._scope
        self._recording = self._span.is_recording()
        self._conversation = (
            Conversation(run.settings.message_bytes)
            if self._scope is not None and self.wants_content
            else None
        )
        self._started = perf_counter()
        under_way.note(held)

    @property
    def span(self) -> Span:
        """The OpenTelemetry span."""
        return self._span

    @property
    def context(self) -> Context:
        """The context of what runs inside."""
        return self._context

    @property
    def wants_content(self) -> bool:
        """Whether arguments and results are of use."""
        return self._recording and self._run.captures(self._context).spans

    @property
    def ended(self) -> bool:
        """Whether the span has ended."""
        return not self._open

    @property
    def scope(self) -> Scope | None:
        """What the run of an agent or a workflow sums up."""
        return self._scope

    def get(self, name: str) -> semconv.Value | None:
        """An attribute, as it was set by otelier or through this handle, sampled or not."""
        return self._attributes.get(name)

    def set(self, name: str, value: semconv.Value) -> None:
        """Set an attribute of the span."""
        try:
            name, value = unicode.clean(name), unicode.cleaned(value)
            self._attributes[name] = value
            self._span.set_attribute(name, value)
        except Exception:
            guard.failed("pipeline.set")

    def set_arguments(self, value: Any) -> None:
        """What goes in: a tool's arguments, a retrieval's query.

        Of agents and workflows a text, or the argument that is one, is the user's message, too.
        """
        rest = self._heard(value)
        if rest is not _NOTHING:
            self._content(self._kind.arguments, rest)

    def set_result(self, value: Any) -> None:
        """What comes out: a tool's result, a retrieval's documents, an agent's answer."""
        self._result = True
        if self._kind is RETRIEVAL:
            self.set_documents(value)
            return
        rest = self._said(value)
        if rest is not _NOTHING:
            self._content(self._kind.result, rest)

    def set_input(self, messages: Any) -> None:
        """What an agent or a workflow is asked: a text, or chat messages."""
        self._heard(messages)

    def set_output(self, messages: Any) -> None:
        """What an agent or a workflow answers: a text, a chat message, or several."""
        self._said(messages)

    def set_tools(self, definitions: Any) -> None:
        """The tools that an agent may use: definitions of functions, flat or as OpenAI's."""
        if self._conversation is not None:
            self._conversation.offers(definitions)

    def set_system(self, text: Any) -> None:
        """The instructions that an agent works by."""
        if self._conversation is not None:
            self._conversation.instructs(text)

    def mirror(self) -> None:
        """This is a loop of requests: what its calls are asked and answer is its own."""
        if self._scope is not None and self._conversation is not None:
            self._scope.mirrored = ref(self._span)

    def join(
        self,
        function: Any,
        name: str | None,
        default_name: str | None,
        attributes: Attributes,
        private: bool,
    ) -> NoHandle | None:
        """What stands for a tool that is declared in this step, where both are one; else None."""
        return None

    def hear(self, item: Any) -> None:
        """One item that a generator gives away: texts are its answer, anything else is none."""
        try:
            if self._conversation is not None:
                self._conversation.hear(item)
        except Exception:
            guard.failed("pipeline.hear")

    def _heard(self, value: Any) -> Any:
        """What of the input is not in the messages, or ``_NOTHING``."""
        try:
            if self._conversation is not None:
                told, rest = self._conversation.asks(value)
                return _NOTHING if told and not rest else rest
        except Exception:
            guard.failed("pipeline.asked")
        return value

    def _said(self, value: Any) -> Any:
        try:
            if self._conversation is not None:
                told, rest = self._conversation.answers(value)
                return _NOTHING if told and not rest else rest
        except Exception:
            guard.failed("pipeline.said")
        return value

    def set_cost(self, usd: float | Decimal) -> None:
        """What the step costs by itself, in US dollars: a paid search, a minute of a GPU.

        Written as ``otelier.cost.step``, recorded as ``gen_ai.client.operation.cost`` and added to
        the totals of the agents and workflows around. A later one replaces it.
        What is no number, or below zero, is left out, with a line.
        """
        try:
            if self._run.prices is None:
                return  # OTELIER_COST=false
            # A text would be a guess at what it means.
            cost = None if issubclass(type(usd), str) else wire.measure(usd)
            if cost is None or cost < 0:
                guard.say_once("set_cost", "set_cost() takes US dollars, 0 or more; it is left out")
                return
            if self._cost is None:
                self._cost = [cost]
                spent(around(self._context), self._cost)
            self._cost[0] = cost
            self.set(semconv.COST_STEP, cost)
        except Exception:
            guard.failed("pipeline.cost")

    def set_prompt(self, prompt: Named) -> None:
        """What the prompt was filled with."""
        if not self.wants_content:
            return
        try:
            found: Attributes = {}
            prompt.fill(self._taking(), found)
            self._put(found)
        except Exception:
            guard.failed("pipeline.prompt")

    def _taking(self) -> Policy:
        """The policy, by which content is taken now."""
        policy = self._run.policy
        # What an earlier one made is not for this one to vouch for.
        self._under = self._under or policy
        return policy

    def set_query(self, text: str) -> None:
        """The query of a retrieval."""
        self._content(semconv.RETRIEVAL_QUERY, text)

    def set_documents(self, documents: Any) -> None:
        """The documents of a retrieval: dicts, objects, texts, or (document, score) pairs."""
        self._result = True
        try:
            if self.wants_content:
                from otelier.documents import retrieved

                self._content(semconv.RETRIEVAL_DOCUMENTS, retrieved(documents))
        except Exception:
            guard.failed("pipeline.documents")

    def _content(self, name: str, value: Any) -> None:
        if not self.wants_content:
            return
        try:
            found: Attributes = {}
            policy = self._taking()
            if name == semconv.RETRIEVAL_QUERY:
                policy.text(name, values.words(value), found)
            else:
                if name in _OBJECTS:
                    value = wire.parsed(value)
                shown = wire.plain(value)
                # The conventions want an object.
                if name in _OBJECTS and type(shown) is not dict:
                    shown = {"result": shown}
                policy.value(name, shown, found)
            self._put(found)
        except Exception:
            guard.failed("pipeline.content")

    def _put(self, found: Attributes) -> None:
        if self._lent:
            # What its library says stays as it says it.
            if not self._span.is_recording():
                return
            present = getattr(self._span, "attributes", None) or {}
            found = {name: value for name, value in found.items() if name not in present}
        self._span.set_attributes(found)

    def enter(self) -> Token[Context] | None:
        """Make the step's span current."""
        try:
            return ctx.attach(self._context)
        except Exception:
            guard.failed("pipeline.enter")
            return None

    def end(self, error: BaseException | None = None) -> None:
        """End the step, once; one that somebody left is no failed one (:mod:`otelier.leaving`)."""
        if error is None:
            self._end(*(self._failure or (None, None)))
            return
        how = leaving.how(error)
        if how is None:
            self._end(errors.kind(error), error)
        else:
            self.left(how)

    def over(self, error: BaseException | None, how: str | None, now: int) -> None:
        """End the step, once, with the model call whose stream it gave back, at ``now``."""
        failed = error is not None and how is None
        said = errors.kind(error) if error is not None and failed else None
        self._end(said, error if failed else None, how, now)

    def note_failure(self, kind: str, message: str | None = None) -> None:
        """What it does has failed; whoever ends the step may know no exception of it."""
        self._failure = unicode.clean(kind), message

    def fail(self, kind: str, message: str | None = None, *, told: bool = False) -> None:
        """End the step, once, as failed without an exception that passed.

        ``told``: the message is what a tool answers, and so it is content.
        """
        if told and not self.wants_content:
            message = None
        self._end(unicode.clean(kind), message)

    def _end(
        self,
        said: str | None,
        problem: BaseException | str | None,
        how: str | None = None,
        ended: int | None = None,
    ) -> None:
        """Once. ``how`` it was left, if it was; ``ended`` when, if that was not now."""
        try:
            under_way.forget(self._open.pop())
        except IndexError:
            return
        # What follows is ours, not the operation's.
        seconds, now = perf_counter() - self._started, time_ns()
        if ended is not None:
            seconds, now = max(seconds - (now - ended) / 1e9, 0.0), ended
        try:
            if how is not None:
                self._put({semconv.STREAM_END: how})
            self._finish(said, problem, seconds)
        except Exception:
            guard.failed("pipeline.end")
        finally:
            try:
                if not self._lent:
                    self._span.end(now)
            except Exception:  # A processor of the program's may raise.
                guard.failed("handle.span.end")
            # It holds this handle: nothing of ours waits for the garbage collector.
            self._context = ctx.NOWHERE

    def left(self, how: str = leaving.CLOSED) -> None:
        """End a step that nobody waits for, maybe where the garbage collector runs."""
        if self._open and deferred.inside_telemetry():
            now = time_ns()
            deferred.defer(lambda: self._end(None, None, how, now))
        else:
            self._end(None, None, how)

    def move(self, context: Context) -> None:
        """What runs inside from now on runs in ``context``: this step's, with more in it."""
        self._context = context

    def answered(self, messages: list[Any]) -> None:
        """What a model answered, whose stream the step gave back."""
        if self._scope is not None:
            self._scope.answer = messages

    def abandoned(self) -> None:
        """End a step that the program has not left when it ends."""
        self.left(leaving.ABANDONED)

    def _finish(
        self, said: str | None, problem: BaseException | str | None, seconds: float
    ) -> None:
        if self._recording:
            if said is not None and not self._lent:
                self._span.set_attribute(semconv.ERROR_TYPE, said)
                message = self._run.policy.message(problem)
                self._span.set_status(Status(StatusCode.ERROR, message or None))
            if self._under is not None and self._under is not self._run.policy:
                self._withdraw()
            self._sum_up()
        recorder = self._run.recorder
        if recorder is None:
            return
        kind = self._kind
        measured: Attributes = {
            name: self._attributes[name] for name in kind.measured if name in self._attributes
        }
        if kind is RETRIEVAL:
            measured[semconv.OPERATION_NAME] = semconv.RETRIEVAL
        if self._cost is not None:
            whose = {n: self._attributes[n] for n in (kind.named,) if n in self._attributes}
            if kind.operation:
                whose[semconv.OPERATION_NAME] = kind.operation
            recorder.cost(self._cost[0], measured | whose)
        agent = self._scope if kind is AGENT else None
        if agent is not None:
            named: Attributes = {semconv.AGENT_NAME: agent.name} if agent.name else {}
            for instrument, value in (
                (semconv.AGENT_INFERENCES, agent.inference_calls),
                (semconv.AGENT_TOOLS, agent.tool_calls),
            ):
                recorder.step(instrument, value, named, self._context)
        if said is not None:
            measured[semconv.ERROR_TYPE] = said
        if kind.duration is not None:
            recorder.step(kind.duration, seconds, measured, self._context)

    def _withdraw(self) -> None:
        """Less is allowed than when content was taken."""
        theirs.withdraw(self._span)

    def _sum_up(self) -> None:
        """What was used, asked and answered; and what a backend wants besides."""
        run, scope = self._run, self._scope
        found: Attributes = {}
        if scope is not None:
            scope.close(found, run.prices is not None)
            if self._conversation is not None and self.wants_content:
                try:
                    asked, said = self._conversation.messages(
                        scope, run.settings.generation.released
                    )
                    told = self._conversation
                    run.policy.render(asked, said, told.system, told.tools, found)
                except Exception:
                    guard.failed("pipeline.converse")
        if run.settings.openinference:
            from otelier import openinference

            written: Any = getattr(self._span, "attributes", None) or {}
            found.update(openinference.also({**written, **found}))
        if found:
            self._span.set_attributes(found)


def current() -> Handle | NoHandle:
    """The innermost step that is open here, to tell of from inside; never None, never raises.

    ``otelier.current().set("shop.cart", 3)``, ``otelier.current().set_cost(0.005)``. Where no step
    is open, what it is told is of no effect.
    """
    try:
        held: object = ctx.current().get(ctx.STEP)
        if isinstance(held, Handle) and not held.ended:
            return held
    except Exception:
        guard.failed("handle.current")
    return NO_HANDLE
