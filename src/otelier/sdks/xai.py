"""``xai_sdk``: all calls of chats and clients pass the gRPC stub that each keeps as ``_stub``.

Below the public methods a request is a message of its own, made for this call, and generators,
warnings and parsed answers stay the SDK's. A descriptor on their class shows the stub with its
methods observed, so that what was made before otelier started is seen, too; the stub itself is
left as it is. ``_defer`` alone is wrapped above its polling, which is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import wrapt

from otelier import semconv, wire
from otelier.call import Call, begin
from otelier.expressions import later
from otelier.hooks import calling, streams
from otelier.hooks.native import Silent
from otelier.hooks.patching import Patches
from otelier.protocols import Route, xai

_OWNERS: Final = {"chat": ("Chat", "Client"), "image": ("Client",)}
_ROUTES: Final = {
    "GetCompletion": xai.CHAT,
    "GetCompletionChunk": xai.STREAM,
    "CompactContext": xai.COMPACT,
    "GetStoredCompletion": xai.STORED,
    "GenerateImage": xai.IMAGE,
}
_STREAMED: Final = "GetCompletionChunk"
# What one call of ``_defer`` makes.
_DEFERRED: Final = ("StartDeferredCompletion", "GetDeferredCompletion")
# Targets that name a host: neither sockets of the machine's nor lists of addresses.
_HOST: Final = later(r"(?:dns:(?:///)?)?((?:[^/:]+|\[[^/]+\])(?::\d+)?)")
_Wrappers: TypeAlias = Mapping[str, calling.Wrapper]


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a module of chats or images; what was patched. Raises LookupError."""
    _, kind, name = module.__name__.rsplit(".", 2)
    wrappers = _wrappers(asynchronous=kind == "aio")
    for owner_name in _OWNERS[name]:
        owner = getattr(module, owner_name, None)
        made = getattr(getattr(owner, "__init__", None), "__code__", None)
        if owner is None or "_stub" not in getattr(made, "co_names", ()):
            raise LookupError(f"{module.__name__}.{owner_name}._stub")
        patches.add(owner, "_stub", _Seam(wrappers))
    if name != "chat":
        return f"{module.__name__}.Client._stub"
    if "_defer" not in module.Chat.__dict__:
        raise LookupError(f"{module.__name__}.Chat._defer")
    patches.wrap(module.Chat, "_defer", calling.around(_defer, calling.whole)[kind == "aio"])
    return f"{module.__name__}.{{Chat,Client}}._stub, Chat._defer"


class _Seam:
    """In the place of instances' ``_stub``, which stays in their ``__dict__``."""

    def __init__(self, wrappers: _Wrappers) -> None:
        self._wrappers = wrappers

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        if owner is None or "_stub" not in owner.__dict__:
            raise AttributeError("_stub")
        return _Stub(owner.__dict__["_stub"], owner, self._wrappers)

    def __set__(self, owner: Any, stub: Any) -> None:
        # A chat is made with its client's.
        owner.__dict__["_stub"] = stub.__wrapped__ if type(stub) is _Stub else stub

    def __delete__(self, owner: Any) -> None:
        del owner.__dict__["_stub"]


class _Stub(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """A stub whose methods that reach a model are observed, for the time of one use."""

    def __init__(self, stub: Any, owner: Any, wrappers: _Wrappers) -> None:
        super().__init__(stub)
        self._self_owner = owner
        self._self_wrappers = wrappers

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.__wrapped__, name)
        wrapper = self._self_wrappers.get(name)
        if wrapper is None:
            return method
        owner = self._self_owner

        def observed(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
            return wrapper(wrapped, (owner, wrapped), args, kwargs)

        return wrapt.FunctionWrapper(method, observed)


def native(module: Any, patches: Patches) -> str | None:
    """``xai_sdk`` since it has spans: none for calls that otelier takes.

    There is only a switch to turn them off (``XAI_SDK_DISABLE_TRACING``, read at import), none by
    which a user could ask for them. Their span would be current in the loop that reads a stream.
    """
    if not hasattr(module, "tracer"):
        return None
    patches.replace(module, "tracer", Silent())
    return f"switched off: {module.__name__}.tracer"


def _wrappers(asynchronous: bool) -> _Wrappers:
    propagating = calling.propagating()
    send = None if propagating is None else propagating.sending(_url)
    found = {
        name: calling.around(_opening(route), calling.whole, send=send)[asynchronous]
        for name, route in _ROUTES.items()
        if name != _STREAMED
    }
    # Streams begin without waiting in both flavours.
    found[_STREAMED], _ = calling.around(_opening(_ROUTES[_STREAMED]), _streamed, send=send)
    if propagating is not None:
        found.update(dict.fromkeys(_DEFERRED, propagating.within(_url)))
    return found


def _opening(route: Route) -> calling.Open:
    def opened(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        chat, method = owner
        return _open(route, chat, method, calling.argument(args, kwargs, 0, "request"))

    return opened


def _open(route: Route, chat: Any, method: Any, request: Any) -> tuple[Call, Route] | None:
    run = calling.running("xai")
    if run is None:
        return None
    conversation = wire.text(getattr(chat, "_conversation_id", None))
    call = begin(
        route,
        wire.fields(request),
        calling.identify(run, _url(method), fallback="x_ai"),
        attributes={semconv.CONVERSATION_ID: conversation} if conversation else None,
    )
    return None if call is None else (call, route)


def _defer(chat: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    # Without messages the SDK raises before it sends anything.
    if calling.running("xai") is None or not chat._proto.messages:
        return None
    # A copy, as the SDK makes it: the application may go on with the chat while it waits.
    request = chat._make_request(calling.argument(args, kwargs, 0, "n"))
    method = chat.__dict__["_stub"].StartDeferredCompletion
    return _open(xai.CHAT, chat, method, request)


def _streamed(call: Call, route: Route, stream: Any) -> Any:
    # An asynchronous call is iterated through the one generator that it makes when it is asked.
    iterator = stream.__aiter__() if hasattr(stream, "__aiter__") else stream
    return streams.items(iterator, call)


def _url(method: Any) -> str:
    """The address that a stub's method calls, as a URL; empty where it is none of a host.

    gRPC tells its target at the innermost channel only, below those of interceptors.
    """
    try:
        found: Any = method
        while getattr(found, "target", None) is None:
            inner = getattr(found, "_channel", None)
            found = _captured(found) if inner is None else inner
        target = found.target if isinstance(found.target, bytes) else found.target()
        host = _HOST.fullmatch(target.decode())
    except Exception:
        return ""  # Not gRPC's own: a test's.
    # gRPC's port where none is named is 443, with and without TLS.
    return f"https://{host[1]}" if host else ""


def _captured(method: Any) -> Any:
    """The channel that a method behind interceptors holds in its closure. Raises LookupError."""
    thunk: Callable[..., Any] = method._thunk
    for cell in thunk.__closure__ or ():
        if hasattr(cell.cell_contents, "_channel"):
            return cell.cell_contents
    raise LookupError("channel")
