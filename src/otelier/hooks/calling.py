"""Around an SDK's own call: the one place where a call is entered, left, failed and received.

A hook says how a call is opened from the arguments and what to do with what came back; the
wrappers here do the rest, synchronous and not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Final, TypeAlias

from otelier import context as ctx
from otelier import following, guard, identity, runtime, wire
from otelier.call import Call
from otelier.hooks import foreign
from otelier.identity import Identity
from otelier.protocols import Route

Wrapper: TypeAlias = Callable[[Any, Any, Any, Any], Any]
# (owner, args, kwargs) -> the call and its route, or None where the call is not ours to see.
Open: TypeAlias = Callable[[Any, Any, Any], "tuple[Call, Route] | None"]
# (call, route, result) -> what the user gets: ``result`` itself, or an iterator in its place.
Receive: TypeAlias = Callable[[Call, Route, Any], Any]
# (call, route, wrapped, args, kwargs) -> what the SDK's own function gives, with other arguments.
Send: TypeAlias = Callable[[Call, Route, Callable[..., Any], Any, Any], Any]

_EMPTY: Final[Mapping[str, Any]] = {}


def running(library: str) -> runtime.Runtime | None:
    """The running otelier, or None where this library's calls are not ours to see."""
    run = runtime.current()
    return None if run is None or foreign.stands_in(library, run) else run


def identify(
    run: runtime.Runtime,
    url: Any,
    provider: str | None = None,
    *,
    fallback: str | None = None,
    assumed: str | None = None,
) -> Identity:
    """Who answers at ``url``; ``fallback`` names hosts that nobody knows, ``assumed`` those that
    nobody outside of their network can know.
    """
    return identity.identify(url, provider, run.settings.provider_hosts, fallback, assumed)


def stream_usage() -> Any:
    """The module that asks for the usage of streams; None where the user did not ask for that."""
    run = runtime.current()
    if run is None or not run.settings.stream_usage:
        return None
    return import_module("otelier.hooks.stream_usage")


def propagating() -> Any:
    """The module that sends the trace context along; None where the user did not ask for that."""
    run = runtime.current()
    if run is None or not run.settings.propagate:
        return None
    return import_module("otelier.hooks.propagating")


def argument(args: Any, kwargs: Any, position: int, name: str) -> Any:
    """An argument that may be given by position or by name; None where it is not given."""
    return args[position] if len(args) > position else kwargs.get(name)


def instead(args: Any, kwargs: Any, position: int, name: str, value: Any) -> tuple[Any, Any]:
    """The arguments with another ``value`` for one that is given."""
    if len(args) > position:
        return (*args[:position], value, *args[position + 1 :]), kwargs
    return args, {**kwargs, name: value}


def body_of(data: Any) -> Mapping[str, Any]:
    """A request's JSON body as data: a dict as it is, text and bytes parsed; else nothing."""
    if type(data) is dict:
        return data
    if isinstance(data, str | bytes | bytearray):
        try:
            found = wire.loads(bytes(data) if isinstance(data, bytearray) else data)
        except ValueError:
            return _EMPTY
        if type(found) is dict:
            return found
    return _EMPTY


def around(
    open_call: Open, receive: Receive, *, decides: bool = True, send: Send | None = None
) -> tuple[Wrapper, Wrapper]:
    """The synchronous and the asynchronous wrapper of a function that makes a call.

    What ``open_call`` leaves alone, hooks of HTTP libraries beneath do, too, if it ``decides``.
    ``send`` makes the call in the place of the function itself, where a setting changes it.
    Neither callback needs a guard. An exception in ``open_call`` lets the call pass unseen, one in
    ``receive`` ends the span with what is known.
    """

    def opened(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        try:
            return open_call(owner, args, kwargs)
        except Exception:
            guard.failed("calling.open")
            return None

    def received(call: Call, route: Route, result: Any) -> Any:
        try:
            given = receive(call, route, result)
            if not call.ended:
                following.note(given, call)
            return given
        except Exception:
            guard.failed("calling.receive")
            call.end()
            return result

    def request(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        found = opened(owner, args, kwargs)
        if found is None:
            token = _seen() if decides else None
            try:
                return wrapped(*args, **kwargs)
            finally:
                if token is not None:
                    ctx.detach(token)
        call, route = found
        token = call.enter()
        try:
            if send is None:
                result = wrapped(*args, **kwargs)
            else:
                result = send(call, route, wrapped, args, kwargs)
        except BaseException as error:
            call.leave(token)
            call.fail(error)
            raise
        call.leave(token)
        return received(call, route, result)

    async def arequest(
        wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any
    ) -> Any:
        found = opened(owner, args, kwargs)
        if found is None:
            token = _seen() if decides else None
            try:
                return await wrapped(*args, **kwargs)
            finally:
                if token is not None:
                    ctx.detach(token)
        call, route = found
        token = call.enter()
        try:
            if send is None:
                result = await wrapped(*args, **kwargs)
            else:
                result = await send(call, route, wrapped, args, kwargs)
        except BaseException as error:
            call.leave(token)
            call.fail(error)
            raise
        call.leave(token)
        return received(call, route, result)

    return request, arequest


def _seen() -> Any:
    """Keep the hooks of HTTP libraries out of a request that an SDK's hook has left alone."""
    try:
        run = runtime.current()
        if run is None or not run.settings.http:
            return None
        return ctx.attach(ctx.with_value(ctx.current(), ctx.SEEN, True))
    except Exception:
        guard.failed("calling.seen")
        return None


def whole(call: Call, route: Route, result: Any) -> Any:
    """Receive an answer that is not streamed: wire JSON, or an SDK's typed model of it."""
    call.whole(result)
    call.end()
    return result
