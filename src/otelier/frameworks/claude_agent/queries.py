"""Where the program's messages pass, and where it asks for something to be done in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, leaving, runtime, scope, wire
from otelier.call import Call
from otelier.frameworks import steps
from otelier.frameworks.claude_agent.session import Session
from otelier.frameworks.claude_agent.told import tool_name
from otelier.frameworks.claude_agent.tools import CALL_ID, Asked
from otelier.hooks import generators
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_METHODS: Final = ("receive_messages", "_handle_control_request", "close")

_sessions: Final[Beside[Session]] = Beside()


class _Reader:
    """Who looks on while the messages are read; in the shape in which generators are looked at."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def enter(self) -> None:
        """Nothing of it is current where the messages are read."""

    def begin_chunks(self, first: Any) -> Callable[[Any], object]:
        """What takes each message."""
        return self._take

    def _take(self, item: Any) -> None:
        # Of the SDK's own making, by json.
        if type(item) is dict and id(item) not in self._session.ahead:
            self._session.observe(item)
        else:
            self._session.ahead.discard(id(item))

    def end(self, how: str | None = None) -> None:
        """All was read; or somebody reads no further with this one, and maybe with another."""
        try:
            if how is None:
                self._session.close(leaving.CLOSED)
        except Exception:
            guard.failed("claude_agent.end")

    def fail(self, error: BaseException) -> None:
        """Reading has raised."""
        try:
            self._session.fail(error)
        except Exception:
            guard.failed("claude_agent.fail")

    def abandoned(self) -> None:
        """It was never read."""


def _session(query: Any) -> Session:
    session = _sessions.of(query)
    if session is None:
        session = _sessions.put(query, Session(query.transport))
    return session


def _receive(wrapped: Any, query: Any, args: Any, kwargs: Any) -> Any:
    messages = wrapped(*args, **kwargs)

    def opened() -> Call | None:
        if runtime.current() is None:
            return None
        return cast("Call", _Reader(_session(query)))

    return generators.lazily(messages, opened)


def _catch_up(query: Any, session: Session) -> None:
    """Look at what has come and was not read: a tool may run before the model's call is read."""
    state = getattr(query._message_receive, "_state", None)
    for item in tuple(getattr(state, "buffer", ())):
        if type(item) is not dict or item.get("type") in ("end", "error"):
            continue
        if id(item) not in session.ahead:
            session.ahead.add(id(item))
            session.observe(item)


def _where(query: Any, request: Any) -> Context | None:
    """The context of what is done in this process: a hook, a permission, a tool."""
    if runtime.current() is None:
        return None
    asked = wire.fields(wire.fields(request).get("request"))
    key, name = asked.get("tool_use_id"), None
    if asked.get("subtype") == "mcp_message":
        message = wire.fields(asked.get("message"))
        if message.get("method") != "tools/call":
            # The handshake with a server in this process, where that begins to run.
            return steps.own(ctx.current())
        called = wire.fields(message.get("params"))
        key = wire.fields(called.get("_meta")).get(CALL_ID)
        name = tool_name(asked.get("server_name"), called.get("name"))
    session = _session(query)
    _catch_up(query, session)
    found = session.context(key, name)
    # The tool has its span, which the server in this process is a part of.
    if found is None:
        return None
    # What calls the program makes in it, the other side knows nothing of.
    found = scope.apart(found)
    return steps.own(found) if name is not None else found


async def _control(wrapped: Any, query: Any, args: Any, kwargs: Any) -> Any:
    token = asked = None
    try:
        request = argument(args, kwargs, 0, "request")
        context = _where(query, request)
        if context is not None:
            message = wire.fields(wire.fields(request).get("request")).get("message")
            is_call = wire.fields(message).get("method") == "tools/call"
            asked = Asked(message, context) if is_call else None
            token = ctx.attach(context)
    except Exception:
        guard.failed("claude_agent.control")
    try:
        return await wrapped(*args, **kwargs)
    finally:
        if asked is not None:
            asked.close()
        if token is not None:
            ctx.detach(token)


def _interrupt(wrapped: Any, query: Any, args: Any, kwargs: Any) -> Any:
    session = _sessions.of(query)
    if session is not None:
        session.interrupted = True
    return wrapped(*args, **kwargs)


async def _close(wrapped: Any, query: Any, args: Any, kwargs: Any) -> Any:
    try:
        return await wrapped(*args, **kwargs)
    finally:
        try:
            session = _sessions.of(query)
            if session is not None:
                session.close(leaving.CLOSED)
        except Exception:
            guard.failed("claude_agent.close")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at the messages of the SDK's program."""
    query = getattr(module, "Query", None)
    for name in _METHODS:
        if name not in vars(query or object):
            raise LookupError(f"Query.{name}")
    patches.wrap(query, "receive_messages", _receive)
    patches.wrap(query, "_handle_control_request", _control)
    patches.wrap(query, "close", _close)
    if "interrupt" in vars(query):
        patches.wrap(query, "interrupt", _interrupt)
    return "Query.receive_messages"
