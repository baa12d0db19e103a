"""A request that runs a tool whose span is there already: a framework's, or an SDK's runner's.

Then there is no second one. What the protocol knows is written to it, and it is what travels.
"""

from __future__ import annotations

import re
from contextvars import Token
from time import perf_counter
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, get_current_span

from otelier import context as ctx
from otelier import guard, runtime, semconv, wire
from otelier.executed import Executed
from otelier.frameworks.mcp import content, refusals
from otelier.frameworks.mcp.exchange import MEASURED, OPEN, TOOL_ERROR, Exchange, is_first
from otelier.handle import Handle
from otelier.nohandle import NoHandle
from otelier.semconv import Attributes

# What frameworks put in the place of what a name may not have.
_ODD: Final = re.compile(r"\W+")
# What is the tool's own affair on its span.
_NOT_OURS: Final = frozenset({semconv.OPERATION_NAME, semconv.TOOL_NAME})


# What a request has that answers what the server has asked in the middle of the one before.
_GOES_ON: Final = ("inputResponses", "requestState")


class Outer(NoHandle):
    """Stands for a request: its span is the tool's, which somebody else ends."""

    def __init__(self, span: Span, tool: Handle | None, known: Attributes) -> None:
        self._span = span
        self._tool = tool
        self._known = known
        self._native = [True]
        self._began = perf_counter()
        self._open = [True]
        self.request: Any = None
        self._context = ctx.with_value(ctx.current(), OPEN, self)
        self._write({name: known[name] for name in known.keys() - _NOT_OURS})

    @property
    def span(self) -> Span:
        """The tool's span."""
        return self._span

    @property
    def ended(self) -> bool:  # type: ignore[override]
        """Whether the request is over."""
        return not self._open

    @property
    def context(self) -> Context:
        """The context of what is served by it."""
        return self._context

    def _write(self, found: Attributes) -> None:
        if self._tool is not None:
            for name, value in found.items():
                self._tool.set(name, value)
        elif found:
            self._span.set_attributes(found)

    def set(self, name: str, value: semconv.Value) -> None:
        """Set an attribute of the tool's span."""
        try:
            self._known[name] = value
            self._write({name: value})
        except Exception:
            guard.failed("mcp.outer.set")

    def get(self, name: str) -> semconv.Value | None:
        """What is known of the request."""
        return self._known.get(name)

    def native(self, attributes: Any) -> bool:
        """Whether the span that the SDK wants to make now is this one."""
        return is_first(self._native, attributes, self)

    def enter(self) -> Token[Context]:  # type: ignore[override]
        """Only this request is known here; the tool's span is current as it was."""
        return ctx.attach(self._context)

    def answer(self, result: Any) -> None:
        """What came of it."""
        if not content.failed(result):
            self._over(None)
            return
        run = runtime.current()
        # What a tool says of it is content.
        says = run is not None and run.captures(self._context).spans
        self._failed(TOOL_ERROR, content.text(result) if says else None)
        self._over(TOOL_ERROR)

    def end(self, error: BaseException | None = None) -> None:
        """The request is over; what it raised passes on to the framework, which tells its own."""
        refusal = None if error is None else refusals.raised(error)
        if refusal is None:
            self._over(None)
            return
        code, message = refusal
        happened = refusals.unanswered(code, message)
        if happened is None:
            self.set(semconv.RPC_STATUS_CODE, str(code))
        self._failed(happened or str(code), message)
        self._over(happened or str(code))

    def _failed(self, kind: str, message: str | None) -> None:
        """The tool has failed, also where the framework makes a result of it."""
        if isinstance(self._tool, Executed):
            self._tool.note_failure(kind, message)
        elif self._tool is None:
            run = runtime.current()
            said = run.policy.message(message) if run is not None else ""
            self._span.set_attribute(semconv.ERROR_TYPE, kind)
            self._span.set_status(Status(StatusCode.ERROR, said or None))

    def _over(self, said: str | None) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        self._context = ctx.NOWHERE
        run = runtime.current()
        recorder = None if run is None else run.recorder
        if recorder is None:
            return
        told: Attributes = {name: self._known[name] for name in MEASURED if name in self._known}
        if said is not None:
            told[semconv.ERROR_TYPE] = said
        seconds = perf_counter() - self._began
        recorder.step(semconv.MCP_CLIENT_DURATION, seconds, told, ctx.current())


def found(method: Any, params: Any, known: Attributes) -> Outer | None:
    """What stands for a request to run a tool, where the tool's own span is current."""
    run = runtime.current()
    here = ctx.current()
    if method != content.CALL_TOOL or run is None or ctx.suppressed(here):
        return None
    asked = wire.fields(params)
    name = wire.text(asked.get("name"))
    span, step = get_current_span(here), here.get(ctx.STEP)
    tool = step if isinstance(step, Handle) and _runs(step, span) else None
    held: Any = tool if tool is not None else _theirs(span)
    if held is None:
        return None
    if not name or not same(held.get(semconv.TOOL_NAME), name):
        return None
    # A tool that asks again has a span of that, but where it goes on with the same.
    if held.get(semconv.MCP_METHOD) and not any(asked.get(key) for key in _GOES_ON):
        return None
    told = {semconv.OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.TOOL_NAME: name}
    return Outer(span, tool, {**told, semconv.MCP_METHOD: method, **known})


def _runs(step: Handle, span: Span) -> bool:
    return _is_tool(step) and not step.ended and step.span is span


def _is_tool(held: Any) -> bool:
    """Whether this is a tool's, and not a request that a server runs one for."""
    asked = isinstance(held, Exchange)
    return not asked and bool(held.get(semconv.OPERATION_NAME) == semconv.EXECUTE_TOOL)


def _theirs(span: Span) -> Any:
    """What somebody else's span of a tool says; None of any other."""
    if not span.is_recording():
        return None
    held = getattr(span, "attributes", None) or {}
    if _is_tool(held):
        return held
    # Google's ADK says it by the name alone, until the tool has run.
    operation, _, tool = str(getattr(span, "name", "")).partition(" ")
    return {**held, semconv.TOOL_NAME: tool} if operation == semconv.EXECUTE_TOOL else None


def same(tool: Any, asked: str) -> bool:
    """Whether a framework's tool is the server's: its name may have the server's in front."""
    one, other = (_ODD.sub("_", str(each)).casefold() for each in (tool, asked))
    return one == other or one.endswith("_" + other)
