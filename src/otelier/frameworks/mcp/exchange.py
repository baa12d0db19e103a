"""One request of the protocol as one side sees it: its span, its metric, and how it ended."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.trace import Span, SpanKind

from otelier import context as ctx
from otelier import runtime, semconv, truncation, wire
from otelier.declared import Step
from otelier.executed import Executed, Joined
from otelier.frameworks import steps
from otelier.frameworks.mcp import content, refusals
from otelier.kinds import Kind
from otelier.nohandle import NoHandle
from otelier.runtime import Runtime
from otelier.semconv import Attributes

# The request that is being sent or served here.
OPEN: Final = create_key("otelier-mcp")
_NAMED: Final = {
    content.CALL_TOOL: semconv.TOOL_NAME,
    content.GET_PROMPT: semconv.PROMPT_NAME,
}
MEASURED: Final = (
    semconv.OPERATION_NAME,
    semconv.MCP_METHOD,
    semconv.TOOL_NAME,
    semconv.PROMPT_NAME,
    semconv.MCP_PROTOCOL_VERSION,
    semconv.NETWORK_TRANSPORT,
    semconv.NETWORK_PROTOCOL,
    semconv.RPC_STATUS_CODE,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
)
TOOL_ERROR: Final = "tool_error"
_MOST_NAME: Final = 256


class Exchange(Executed):
    """A request under way. A server's tool that the program has declared is one with it."""

    __slots__ = ("_native", "outcome", "request")

    def __init__(
        self,
        run: Runtime,
        kind: Kind,
        attributes: Attributes,
        parent: Context | None = None,
        lent: Span | None = None,
    ) -> None:
        super().__init__(run, kind, attributes, parent, lent)
        # The SDK's own span of it, where it makes one, is the first that it asks for.
        self._native = [True]
        # What the SDK knows it by, and its answer, where that does not come back as a result.
        self.request: Any = None
        self.outcome: Any = None
        self._context = ctx.with_value(self._context, OPEN, self)

    @property
    def method(self) -> str:
        """The method that is asked for."""
        return self._kind.title or ""

    @property
    def serves(self) -> bool:
        """Whether this is its receiver."""
        return self._kind.span_kind is SpanKind.SERVER

    def native(self, attributes: Any) -> bool:
        """Whether the span that the SDK wants to make now is this one."""
        return is_first(self._native, attributes, self)

    def join(
        self,
        function: Any,
        name: str | None,
        default_name: str | None,
        attributes: Attributes,
        private: bool,
    ) -> Joined | None:
        """A tool that is declared in it, by the name that the request has; that name stays."""
        asked = self._attributes.get(semconv.TOOL_NAME)
        if not self.serves or asked is None or asked not in (name, default_name):
            return None
        return super().join(function, None, str(asked), attributes, private)

    def tell(self, asked: wire.Wire) -> None:
        """What is asked, where that is content that may be taken."""
        if not self.wants_content:
            return
        arguments = asked.get("arguments")
        if arguments is None:
            return
        if self.method == content.CALL_TOOL:
            self.set_arguments(arguments)
        elif self.method == content.GET_PROMPT:
            self._put(content.variables(arguments, self._taking()))

    def answer(self, result: Any) -> None:
        """End it, once, with what came of it."""
        if self.method == content.CALL_TOOL:
            if content.failed(result):
                # What a tool says of it is content.
                self.fail(TOOL_ERROR, content.text(result) if self.wants_content else None)
                return
            if self.wants_content and not self.told:
                shown = content.result(result, self._taking())
                if shown is not None:
                    self.set_result(shown)
        self.end()

    def refuse(self, code: int, message: str | None) -> None:
        """End it, once, with an error of the protocol."""
        happened = refusals.unanswered(code, message)
        if happened is None:
            self.set(semconv.RPC_STATUS_CODE, str(code))
            if not refusals.fails(self.method, code, self.serves):
                super().end(None)
                return
        self.fail(happened or str(code), message)

    def end(self, error: BaseException | None = None) -> None:
        """End it, once; an exception that stands for an error of the protocol by its code."""
        refusal = None if error is None else refusals.raised(error)
        if refusal is None:
            super().end(error)
        else:
            self.refuse(*refusal)


def is_first(left: list[bool], attributes: Any, step: Exchange | NoHandle | None = None) -> bool:
    """Whether the span that the SDK wants to make now is that of this message: its first one.

    What only the span would have said is told to ``step``.
    """
    try:
        left.pop()
    except IndexError:
        return False
    request_id = (attributes or {}).get(semconv.JSONRPC_REQUEST_ID)
    if step is not None and isinstance(request_id, str):
        step.set(semconv.JSONRPC_REQUEST_ID, request_id)
    return True


def begin(
    method: Any,
    params: Any,
    serves: bool,
    parent: Context | None = None,
    known: Attributes | None = None,
) -> Exchange | None:
    """A request is to be sent, or has come; None where nothing is to be seen."""
    if type(method) is not str:
        return None
    method, asked = _short(method), wire.fields(params)
    name = wire.text(asked.get("name")) if method in _NAMED else None
    named = _short(name) if name else None
    attributes: Attributes = {semconv.MCP_METHOD: method, **(known or {})}
    if asked.get("uri") is not None:
        run, uri = runtime.current(), content.address(asked["uri"])
        if uri and run is not None:
            attributes[semconv.MCP_RESOURCE_URI] = run.policy.clean(_short(uri))
    step = Step(_kind(method, serves), named, attributes, {})
    made = steps.begin(step, parent, made=Exchange)
    if not isinstance(made, Exchange):
        return None
    made.tell(asked)
    return made


def _short(name: str) -> str:
    """A name that somebody else has chosen."""
    return name if len(name) <= _MOST_NAME else truncation.shortened(name, _MOST_NAME)


@lru_cache(maxsize=256)
def _kind(method: str, serves: bool) -> Kind:
    """What a request of this method is, to its sender or to its receiver."""
    is_tool = method == content.CALL_TOOL
    return Kind(
        semconv.EXECUTE_TOOL if is_tool else None,
        _NAMED.get(method, semconv.STEP_NAME),
        semconv.TOOL_CALL_ARGUMENTS,
        semconv.TOOL_CALL_RESULT,
        SpanKind.SERVER if serves else SpanKind.CLIENT,
        semconv.MCP_SERVER_DURATION if serves else semconv.MCP_CLIENT_DURATION,
        MEASURED,
        title=method,
        # A tool counts for the agent that asks for it.
        is_tool=is_tool and not serves,
    )
