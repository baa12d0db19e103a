"""``openai`` over WebSockets: Realtime (GA and beta), Responses and Live, a span per response.

What is sent passes ``_send`` of the connections' base class (before that class: ``send`` and
``send_raw``), what is received ``parse_event``. ``response.create``, or the server of its own
accord, begins a response; its last event ends it.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Final

from otelier import guard, runtime, wire
from otelier.hooks import foreign
from otelier.hooks.patching import Patches
from otelier.sdks.stainless.openai_watch import Asked, Delegated, Watch

_SENT: Final = (
    *("response.create", "conversation.item.create"),
    *("session.update", "transcription_session.update"),
)


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
    return _watches.setdefault(connection, _CONNECTIONS[name](_url(connection)))


_CONNECTIONS: Final[dict[str, Callable[[str | None], Watch]]] = {
    "RealtimeConnection": lambda url: Watch(True, url),
    "ResponsesConnection": lambda url: Watch(False, url),
    "LiveConnection": lambda url: Delegated(False, url),
}


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
        url = getattr(client, "websocket_base_url", None)
        at = None if url is None else re.sub("^ws", "http", str(url))
        watch.made(client, at, members.get(own + "model"))
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


def _data(watch: Watch, data: Any) -> Asked | None:
    text = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    # Audio is most of what is sent; no need to read it.
    if not any(kind in text for kind in _SENT):
        return None
    event = wire.loads(text)
    return watch.sent(event) if isinstance(event, dict) else None


def _sending(connection: Any, args: Any, kwargs: Any) -> tuple[Watch, Asked] | None:
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
