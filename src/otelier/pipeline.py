"""Steps that no SDK shows: workflow, agent, tool, retrieval and step.

Each is a decorator (bare, or with a name and options) for functions, coroutines, generators and
async generators, and a context manager. Span types, names, attributes and metrics are those of
the conventions; arguments and results follow the content policy.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextvars import Token
from dataclasses import dataclass
from time import perf_counter, time_ns
from typing import Any, Final, TypeVar, cast, overload

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from otelier import call, guard, runtime, semconv, wire
from otelier import context as ctx
from otelier.documents import retrieved
from otelier.runtime import Runtime
from otelier.semconv import Attributes, Instrument

F = TypeVar("F", bound=Callable[..., Any])


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
                self._run.policy.text(name, value if isinstance(value, str) else str(value), found)
            else:
                if name in (semconv.TOOL_CALL_ARGUMENTS, semconv.TOOL_CALL_RESULT):
                    value = wire.parsed(value)
                    if not isinstance(value, Mapping):  # The conventions want an object.
                        value = {"result": wire.plain(value)}
                self._run.policy.value(name, wire.plain(value), found)
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
        self._end(None if error is None else call.error_type(error), error)

    def fail(self, kind: str, message: str | None = None) -> None:
        """End the step, once, as failed without an exception that passed."""
        self._end(kind, message)

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
            self._span.end(now)

    def left(self) -> None:
        """End a step whose generator was closed, maybe by the garbage collector."""
        if call.inside_telemetry():
            call.defer(self.end)
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


_NO_HANDLE: Final = NoHandle()


class Step:
    """One declared step: a decorator and a context manager."""

    __slots__ = ("_attributes", "_held", "_kind", "_name", "_options")

    def __init__(
        self, kind: Kind, name: str | None, attributes: Attributes, options: dict[str, Any]
    ) -> None:
        self._kind = kind
        self._name = name
        self._attributes = attributes
        self._options = options
        self._held: list[tuple[Handle | NoHandle, Token[Context] | None]] = []

    def start(self, default_name: str | None = None) -> Handle | NoHandle:
        """Begin the step; the caller ends it."""
        try:
            run = runtime.current()
            if run is None:
                return _NO_HANDLE
            if run.late is not None:
                run.late()
            if ctx.suppressed(ctx.current()):
                return _NO_HANDLE
            attributes = dict(self._attributes)
            name = self._name or default_name
            if name:
                attributes[self._kind.named] = name
            agent = AgentScope(name) if self._kind is AGENT else None
            handle = Handle(run, self._kind, attributes, agent)
            query = self._options.get("query")
            if query is not None:
                handle.set_query(query)
            arguments = self._options.get("arguments")
            if arguments is not None:
                handle.set_arguments(arguments)
            return handle
        except Exception:
            guard.failed("pipeline.start")
            return _NO_HANDLE

    # --- context manager -------------------------------------------------------------------

    def __enter__(self) -> Handle | NoHandle:
        handle = self.start()
        self._held.append((handle, handle.enter()))
        return handle

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not self._held:
            return
        handle, token = self._held.pop(self._mine())
        if token is not None:
            ctx.detach(token)
        handle.end(_failure(error))

    def _mine(self) -> int:
        """Which use is left: one declaration may be used by several tasks at once."""
        held = ctx.current()
        for position, (handle, _) in enumerate(self._held):
            if isinstance(handle, Handle) and handle._context is held:
                return position
        return -1

    async def __aenter__(self) -> Handle | NoHandle:
        return self.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.__exit__(kind, error, trace)

    # --- decorator -------------------------------------------------------------------------

    def __call__(self, function: F) -> F:
        """Decorate a function of any kind; it stays of that kind."""
        return cast(F, self._decorated(function))

    def _decorated(self, function: Any) -> Any:
        name = getattr(function, "__name__", None) or type(function).__name__
        inputs = _Inputs(function, self._kind, self._options)
        if inspect.isasyncgenfunction(function):
            return self._async_generator(function, name, inputs)
        if inspect.isgeneratorfunction(function):
            return self._generator(function, name, inputs)
        if inspect.iscoroutinefunction(function):
            return self._coroutine(function, name, inputs)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            handle = self._begin(name, inputs, args, kwargs)
            token = handle.enter()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                _leave(token)
                handle.end(_failure(error))
                raise
            _leave(token)
            if inspect.iscoroutine(result):
                return _awaited(result, handle, inputs)
            inputs.result(handle, result)
            handle.end()
            return result

        return run

    def _begin(self, name: str, inputs: _Inputs, args: Any, kwargs: Any) -> Handle | NoHandle:
        handle = self.start(inputs.default_name(name))
        if handle.wants_content:
            inputs.arguments(handle, args, kwargs)
        return handle

    def _coroutine(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            handle = self._begin(name, inputs, args, kwargs)
            token = handle.enter()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                _leave(token)
                handle.end(_failure(error))
                raise
            _leave(token)
            inputs.result(handle, result)
            handle.end()
            return result

        return run

    def _generator(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            handle = self._begin(name, inputs, args, kwargs)
            inner: Generator[Any, Any, Any] | None = None
            resume: Callable[[], Any] | None = None
            try:
                while True:
                    # The step is current only while its own code runs, never at the yield.
                    token = handle.enter()
                    try:
                        if inner is None:
                            inner = function(*args, **kwargs)
                            item = next(inner)
                        else:
                            assert resume is not None
                            item = resume()
                    finally:
                        _leave(token)
                    try:
                        sent = yield item
                        resume = functools.partial(inner.send, sent)
                    except GeneratorExit:
                        resume = None
                        raise
                    except BaseException as thrown:
                        resume = functools.partial(inner.throw, thrown)
            except StopIteration as stop:
                handle.end()
                return stop.value
            except GeneratorExit:
                _close(inner, handle)
                handle.left()
                raise
            except BaseException as error:
                handle.end(_failure(error))
                raise

        return run

    def _async_generator(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            handle = self._begin(name, inputs, args, kwargs)
            inner: AsyncGenerator[Any, Any] | None = None
            resume: Callable[[], Any] | None = None
            left = False
            try:
                while True:
                    token = handle.enter()
                    try:
                        if inner is None:
                            inner = function(*args, **kwargs)
                            item = await inner.__anext__()
                        else:
                            assert resume is not None
                            item = await resume()
                    finally:
                        _leave(token)
                    try:
                        sent = yield item
                        resume = functools.partial(inner.asend, sent)
                    except GeneratorExit:
                        resume = None
                        raise
                    except BaseException as thrown:
                        # Cancelled at the yield: an event loop that ends closes what was left.
                        left = _cancelled(thrown)
                        resume = functools.partial(inner.athrow, thrown)
            except StopAsyncIteration:
                handle.end()
            except GeneratorExit:
                token = handle.enter()
                try:
                    if inner is not None:
                        await inner.aclose()
                finally:
                    _leave(token)
                    handle.left()
                raise
            except BaseException as error:
                early = left and _cancelled(error)
                handle.end(None if early else _failure(error))
                raise

        return run


def _close(inner: Generator[Any, Any, Any] | None, handle: Handle | NoHandle) -> None:
    token = handle.enter()
    try:
        if inner is not None:
            inner.close()
    except BaseException as error:
        handle.end(_failure(error))
        raise
    finally:
        _leave(token)


async def _awaited(coroutine: Any, handle: Handle | NoHandle, inputs: _Inputs) -> Any:
    token = handle.enter()
    try:
        result = await coroutine
    except BaseException as error:
        _leave(token)
        handle.end(_failure(error))
        raise
    _leave(token)
    inputs.result(handle, result)
    handle.end()
    return result


def _leave(token: Token[Context] | None) -> None:
    if token is not None:
        ctx.detach(token)


def _cancelled(error: BaseException) -> bool:
    # By name: importing asyncio for it would cost each program's start.
    return type(error).__name__ == "CancelledError"


def _failure(error: BaseException | None) -> BaseException | None:
    """The error that makes a step a failed one: leaving a generator early is none."""
    return None if isinstance(error, GeneratorExit) else error


class _Inputs:
    """Arguments and result of a decorated function, as content."""

    def __init__(self, function: Any, kind: Kind, options: dict[str, Any]) -> None:
        self._kind = kind
        self._capture = options.get("capture", True)
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._signature = None

    def default_name(self, function_name: str) -> str | None:
        return function_name

    def arguments(self, handle: Handle | NoHandle, args: Any, kwargs: Any) -> None:
        if not self._capture:
            return
        try:
            bound = self._bind(args, kwargs)
            if self._kind is RETRIEVAL:
                query = bound.get("query", next(iter(bound.values()), None))
                if isinstance(query, str):
                    handle.set_query(query)
                top_k = bound.get("top_k", bound.get("k"))
                if type(top_k) is int:
                    handle.set(semconv.RETRIEVAL_TOP_K, top_k)
            else:
                handle.set_arguments(bound)
        except Exception:
            guard.failed("pipeline.arguments")

    def _bind(self, args: Any, kwargs: Any) -> dict[str, Any]:
        if self._signature is None:
            return {**{str(n): value for n, value in enumerate(args)}, **kwargs}
        bound = dict(self._signature.bind_partial(*args, **kwargs).arguments)
        for first in ("self", "cls"):
            bound.pop(first, None)
        return bound

    def result(self, handle: Handle | NoHandle, result: Any) -> None:
        if not self._capture or not handle.wants_content or result is None:
            return
        # Nothing that can be consumed is looked into.
        if isinstance(result, Generator | AsyncIterator) or hasattr(result, "__next__"):
            return
        if isinstance(handle, Handle) and not handle._result:
            handle.set_result(result)


@overload
def workflow(name: F, /) -> F: ...
@overload
def workflow(name: str | None = None, /, *, capture: bool = True) -> Step: ...
def workflow(name: Any = None, /, *, capture: bool = True) -> Any:
    """An application's process of several steps: span ``invoke_workflow {name}``.

    ``@workflow``, ``@workflow("name")`` or ``with workflow("name")``. ``capture=False`` keeps
    arguments and results out, whatever the content policy.
    """
    return _make(WORKFLOW, name, {}, {"capture": capture})


@overload
def agent(name: F, /) -> F: ...
@overload
def agent(
    name: str | None = None,
    /,
    *,
    description: str | None = None,
    model: str | None = None,
    capture: bool = True,
) -> Step: ...
def agent(
    name: Any = None,
    /,
    *,
    description: str | None = None,
    model: str | None = None,
    capture: bool = True,
) -> Any:
    """An agent in this process: span ``invoke_agent {name}``.

    ``model`` only where the agent uses one single model. Model calls and tools inside are counted.
    """
    attributes: Attributes = {}
    if description:
        attributes[semconv.AGENT_DESCRIPTION] = description
    if model:
        attributes[semconv.REQUEST_MODEL] = model
    return _make(AGENT, name, attributes, {"capture": capture})


@overload
def tool(name: F, /) -> F: ...
@overload
def tool(
    name: str | None = None,
    /,
    *,
    description: str | None = None,
    type: str = "function",
    call_id: str | None = None,
    arguments: Any = None,
    capture: bool = True,
) -> Step: ...
def tool(
    name: Any = None,
    /,
    *,
    description: str | None = None,
    type: str = "function",
    call_id: str | None = None,
    arguments: Any = None,
    capture: bool = True,
) -> Any:
    """A tool's execution: span ``execute_tool {name}``.

    ``type`` is ``function``, ``extension`` or ``datastore``; ``call_id`` the id of the model's tool
    call; ``arguments`` for the context manager (a dict, or JSON text as the model gave it).
    """
    attributes: Attributes = {semconv.TOOL_TYPE: type}
    if description:
        attributes[semconv.TOOL_DESCRIPTION] = description
    if call_id:
        attributes[semconv.TOOL_CALL_ID] = call_id
    return _make(TOOL, name, attributes, {"capture": capture, "arguments": arguments})


@overload
def retrieval(name: F, /) -> F: ...
@overload
def retrieval(
    name: str | None = None,
    /,
    *,
    query: str | None = None,
    top_k: int | None = None,
    provider: str | None = None,
    model: str | None = None,
    capture: bool = True,
) -> Step: ...
def retrieval(
    name: Any = None,
    /,
    *,
    query: str | None = None,
    top_k: int | None = None,
    provider: str | None = None,
    model: str | None = None,
    capture: bool = True,
) -> Any:
    """A search for documents: span ``retrieval {name}``, where the name is the data source's id.

    As a decorator the query is the argument ``query``, or the first one if it is text, and the
    documents are the result.
    """
    attributes: Attributes = {}
    if top_k is not None:
        attributes[semconv.RETRIEVAL_TOP_K] = top_k
    if provider:
        attributes[semconv.PROVIDER_NAME] = provider
    if model:
        attributes[semconv.REQUEST_MODEL] = model
    return _make(RETRIEVAL, name, attributes, {"capture": capture, "query": query})


@overload
def step(name: F, /) -> F: ...
@overload
def step(name: str | None = None, /, *, capture: bool = True) -> Step: ...
def step(name: Any = None, /, *, capture: bool = True) -> Any:
    """Any other step: an internal span of that name, without a GenAI operation."""
    return _make(STEP, name, {}, {"capture": capture})


def _make(kind: Kind, name: Any, attributes: Attributes, options: dict[str, Any]) -> Any:
    if callable(name):
        return Step(kind, None, attributes, options)(name)
    return Step(kind, name, attributes, options)
