"""``openai`` over WebSockets: Realtime (GA and beta) and Responses, a span per response.

What is sent passes ``_send`` of the connections' base class (before that class: ``send`` and
``send_raw``), what is received ``parse_event``. ``response.create``, or the server of its own
accord, begins a response; its last event ends it.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from otelier import guard, identity, runtime, semconv, wire
from otelier.call import Call, begin
from otelier.hooks import calling, families, foreign, stainless
from otelier.hooks.patching import Patches
from otelier.protocols import openai_realtime as realtime
from otelier.protocols import routes

_DIALECT: Final = families.DIALECTS["openai"]
_RESPONSES: Final = replace(
    routes.OPENAI["post", "/responses"],
    attributes={
        **routes.OPENAI["post", "/responses"].attributes,
        semconv.REQUEST_STREAM: True,
    },
)
_LAST: Final = frozenset(
    f"response.{end}" for end in ("done", "completed", "incomplete", "failed", "cancelled")
)
_SENT: Final = ("response.create", "session.update", "conversation.item.create")
_BUSY: Final = "conversation_already_has_active_response"


class _Asked:
    """A response that was asked for and has no id yet."""

    __slots__ = ("call", "event_id", "key")

    def __init__(self, call: Call | None, event: wire.Wire, key: Any) -> None:
        self.call = call
        self.event_id = event.get("event_id")
        # What the server repeats in response.created.
        self.key = key


class Watch:
    """The responses of one connection."""

    def __init__(self, is_realtime: bool, url: Any = None, client: Any = None) -> None:
        self._realtime = is_realtime
        self._client = weakref.ref(client) if client is not None else None
        self._url = url
        self._session = realtime.Session()
        self._asked: list[_Asked] = []
        self._open: dict[Any, Call | None] = {}
        self._lanes: dict[Any, Any] = {}

    def model(self, name: Any) -> None:
        """The model that the connection was made for."""
        if isinstance(name, str):
            self._session = realtime.Session(name)

    # --- what the client sends -------------------------------------------------------------

    def sent(self, event: wire.Wire) -> _Asked | None:
        """Something is being sent; what began with it."""
        if event.get("type") != "response.create":
            self._session.sent(event)
            return None
        key = self._key(event, wire.fields(event.get("response")))
        asked = _Asked(self._begin(event), event, key)
        self._asked.append(asked)
        return asked

    def unsent(self, asked: _Asked, error: BaseException) -> None:
        """It could not be sent."""
        if asked in self._asked:
            self._asked.remove(asked)
        if asked.call is not None:
            asked.call.fail(error)

    def _begin(self, event: wire.Wire | None) -> Call | None:
        run = runtime.current()
        if run is None:
            return None
        more: semconv.Attributes = {}
        if self._realtime:
            route, body = realtime.ROUTE, self._session.body(event)
            if self._session.id:
                more[semconv.PROVIDER_PREFIX + "session.id"] = self._session.id
        else:
            route, body = _RESPONSES, dict(event or {})
        return begin(route, body, self._identity(run), attributes=more)

    def _identity(self, run: runtime.Runtime) -> identity.Identity:
        client = self._client() if self._client is not None else None
        if client is None:
            return calling.identify(run, self._url or "", assumed=_DIALECT.assumed)
        if self._url is None:
            return stainless.identify(_DIALECT, client, run)
        provider = stainless.by_class(_DIALECT, client)
        return calling.identify(run, self._url, provider, assumed=_DIALECT.assumed)

    # --- what the server sends -------------------------------------------------------------

    def received(self, event: wire.Wire) -> None:
        """One event, on its way to the user."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return
        if kind.endswith(".delta") or kind == "response.output_item.done":
            call = self._open.get(self._id(event))
            if call is not None:
                call.chunk(event)
        elif kind == "response.created":
            self._created(event, wire.fields(event.get("response")))
        elif kind in _LAST:
            self._done(event.get("response"))
        elif kind == "error":
            self._failed(event)
        else:
            self._session.received(event)

    def _id(self, event: wire.Wire) -> Any:
        return event.get("response_id") or self._lanes.get(event.get("stream_id"))

    def _created(self, event: wire.Wire, response: wire.Wire) -> None:
        id = response.get("id")
        asked = self._match(self._key(event, response))
        call = (
            asked.call if asked is not None else self._begin(None if self._realtime else response)
        )
        self._open[id] = call
        self._lanes[event.get("stream_id")] = id
        if call is None:
            return
        for name, value in (
            (semconv.RESPONSE_ID, wire.text(id)),
            (semconv.CONVERSATION_ID, wire.text(response.get("conversation_id"))),
        ):
            if value:
                call.put(name, value)

    def _key(self, event: wire.Wire, response: wire.Wire) -> Any:
        # Responses has lanes; Realtime tells responses apart by the user's metadata.
        if not self._realtime:
            return event.get("stream_id")
        return tuple(sorted((k, str(v)) for k, v in wire.fields(response.get("metadata")).items()))

    def _match(self, key: Any) -> _Asked | None:
        for position, asked in enumerate(self._asked):
            if asked.key == key:
                return self._asked.pop(position)
        return None

    def _done(self, value: Any) -> None:
        response = wire.fields(value)
        call = self._open.pop(response.get("id"), None)
        if call is None:
            return
        call.whole(value)
        # Interrupted by the user: an end like any other.
        call.end("cancelled" if response.get("status") == "cancelled" else None)

    def _failed(self, event: wire.Wire) -> None:
        error = wire.fields(event.get("error")) or event
        call = None
        for asked in list(self._asked):
            if self._caused(asked, event, error):
                self._asked.remove(asked)
                call = asked.call
                break
        else:
            if not self._realtime:
                call = self._open.pop(self._id(event), None)
        if call is not None:
            call.whole({"error": error})
            call.end()

    def _caused(self, asked: _Asked, event: wire.Wire, error: wire.Wire) -> bool:
        """Whether an error is that of a response which was asked for."""
        if not self._realtime:
            return bool(asked.key == event.get("stream_id"))
        id = error.get("event_id")
        if id is not None:
            return bool(id == asked.event_id)
        # Errors of other events leave the response as it is.
        return error.get("code") == _BUSY or str(error.get("param")).startswith("response")

    # --- the end ---------------------------------------------------------------------------

    def _left(self) -> list[Call]:
        found = [*self._open.values(), *(asked.call for asked in self._asked)]
        self._open, self._asked = {}, []
        return [call for call in found if call is not None]

    def closed(self, error: BaseException | None = None) -> None:
        """The connection is closed, or was lost by ``error``."""
        for call in self._left():
            if error is None:
                call.end("closed")
            else:
                call.fail(error)

    def __del__(self) -> None:
        for call in self._left():
            call.abandoned()


_watches: weakref.WeakKeyDictionary[Any, Watch] = weakref.WeakKeyDictionary()


def _watch(connection: Any, make: bool = True) -> Watch | None:
    """The watch of a connection, or None for those of other APIs."""
    known = _watches.get(connection)
    if known is not None or not make:
        return known
    run = runtime.current()
    name = type(connection).__name__.removeprefix("Async")
    if run is None or name not in _CONNECTIONS or foreign.stands_in("openai", run):
        return None
    watch = Watch(name == "RealtimeConnection", _url(connection))
    return _watches.setdefault(connection, watch)


_CONNECTIONS: Final = ("RealtimeConnection", "ResponsesConnection")


def _url(connection: Any) -> str | None:
    uri = getattr(getattr(connection._connection, "protocol", None), "uri", None)
    if uri is None:
        return None
    return f"{'https' if uri.secure else 'http'}://{uri.host}:{uri.port}{uri.path}"


def _entered(manager: Any, connection: Any, queued: list[Any]) -> None:
    """A connection was made by a client's ``connect()``."""
    try:
        watch = _watch(connection)
        if watch is None:
            return
        own = f"_{type(manager).__name__}__"
        members = vars(manager)
        client = members.get(own + "client")
        if client is not None:
            watch._client = weakref.ref(client)
            url = getattr(client, "websocket_base_url", None)
            watch._url = None if url is None else re.sub("^ws", "http", str(url))
        watch.model(members.get(own + "model"))
        for data in queued:
            _data(watch, data)
    except Exception:
        guard.failed("openai_websocket.entered")


def _queued(manager: Any) -> list[Any]:
    """What was sent before there was a connection."""
    try:
        queue = vars(manager).get(f"_{type(manager).__name__}__send_queue")
        return [] if queue is None else [entry[0] for entry in list(queue._queue)]
    except Exception:
        guard.failed("openai_websocket.queued")
        return []


def _data(watch: Watch, data: Any) -> _Asked | None:
    text = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    # Audio is most of what is sent; no need to read it.
    if not any(kind in text for kind in _SENT):
        return None
    event = wire.loads(text)
    return watch.sent(event) if isinstance(event, dict) else None


def _sending(connection: Any, args: Any, kwargs: Any) -> tuple[Watch, _Asked] | None:
    try:
        watch = _watch(connection)
        if watch is None:
            return None
        value = args[0] if args else next(iter(kwargs.values()))
        if isinstance(value, str | bytes | bytearray | memoryview):
            asked = _data(watch, value)
        else:
            event = wire.fields(value)
            asked = watch.sent(wire.plain(event)) if event.get("type") in _SENT else None
        return None if asked is None else (watch, asked)
    except Exception:
        guard.failed("openai_websocket.send")
        return None


def send(wrapped: Callable[..., Any], connection: Any, args: Any, kwargs: Any) -> Any:
    """The client sends an event."""
    begun = _sending(connection, args, kwargs)
    try:
        return wrapped(*args, **kwargs)
    except BaseException as error:
        if begun is not None:
            begun[0].unsent(begun[1], error)
        raise


async def asend(
    wrapped: Callable[..., Awaitable[Any]], connection: Any, args: Any, kwargs: Any
) -> Any:
    """The client sends an event."""
    begun = _sending(connection, args, kwargs)
    try:
        return await wrapped(*args, **kwargs)
    except BaseException as error:
        if begun is not None:
            begun[0].unsent(begun[1], error)
        raise


def parse_event(wrapped: Callable[..., Any], connection: Any, args: Any, kwargs: Any) -> Any:
    """The server's event, as the user gets it."""
    event = wrapped(*args, **kwargs)
    try:
        watch = _watch(connection)
        if watch is not None:
            watch.received(wire.fields(event))
    except Exception:
        guard.failed("openai_websocket.receive")
    return event


def _lost(connection: Any, error: BaseException) -> None:
    # Only what the connection's end raises: a read may be cancelled or time out, and go on.
    name = type(error).__name__
    if name.startswith("ConnectionClosed"):
        _closed(connection, None if name == "ConnectionClosedOK" else error)


def _closed(connection: Any, error: BaseException | None) -> None:
    try:
        watch = _watch(connection, make=False)
        if watch is not None:
            watch.closed(error)
    except Exception:
        guard.failed("openai_websocket.close")


def recv_bytes(wrapped: Callable[..., Any], connection: Any, args: Any, kwargs: Any) -> Any:
    """The connection may turn out to be closed."""
    try:
        return wrapped(*args, **kwargs)
    except BaseException as error:
        _lost(connection, error)
        raise


async def arecv_bytes(
    wrapped: Callable[..., Awaitable[Any]], connection: Any, args: Any, kwargs: Any
) -> Any:
    """The connection may turn out to be closed."""
    try:
        return await wrapped(*args, **kwargs)
    except BaseException as error:
        _lost(connection, error)
        raise


def close(wrapped: Callable[..., Any], connection: Any, args: Any, kwargs: Any) -> Any:
    """The user closes the connection, synchronous or not."""
    _closed(connection, None)
    return wrapped(*args, **kwargs)


def enter(wrapped: Callable[..., Any], manager: Any, args: Any, kwargs: Any) -> Any:
    """A client connects."""
    queued = _queued(manager)
    connection = wrapped(*args, **kwargs)
    _entered(manager, connection, queued)
    return connection


async def aenter(
    wrapped: Callable[..., Awaitable[Any]], manager: Any, args: Any, kwargs: Any
) -> Any:
    """A client connects."""
    queued = _queued(manager)
    connection = await wrapped(*args, **kwargs)
    _entered(manager, connection, queued)
    return connection


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the connections of a module, or their base classes. Raises LookupError."""
    done = []
    for prefix in ("", "Async"):
        base = getattr(module, prefix + "WebSocketConnectionBase", None)
        if base is not None and "_send" in base.__dict__ and base.__module__ == module.__name__:
            patches.wrap(base, "_send", asend if prefix else send)
            patches.wrap(base, "close", close)
            done.append(f"{base.__name__}._send")
        for name in _CONNECTIONS:
            connection = getattr(module, prefix + name, None)
            if connection is not None and connection.__module__ == module.__name__:
                _patch(module, connection, bool(prefix), patches)
                done.append(f"{connection.__name__}.parse_event")
    if not done:
        raise LookupError(f"{module.__name__}.*Connection")
    return f"{module.__name__}: {', '.join(done)}"


def _patch(module: Any, connection: Any, is_async: bool, patches: Patches) -> None:
    patches.wrap(connection, "parse_event", parse_event)
    patches.wrap(connection, "recv_bytes", arecv_bytes if is_async else recv_bytes)
    if not hasattr(connection, "_send"):
        for name in ("send", "send_raw"):
            if name in connection.__dict__:
                patches.wrap(connection, name, asend if is_async else send)
        patches.wrap(connection, "close", close)
    manager = getattr(module, connection.__name__ + "Manager", None)
    for name in ("__aenter__" if is_async else "__enter__", "enter"):
        if name in getattr(manager, "__dict__", {}):
            patches.wrap(manager, name, aenter if is_async else enter)
