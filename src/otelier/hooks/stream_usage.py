"""Asks for the usage of streams that do not ask themselves, and keeps the answer from the program.

Opt-in (``OTELIER_STREAM_USAGE``); without it nothing here is in a call's way. A raw response is
never asked for more: its bytes are the program's, and nothing could be kept from it.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import replace
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from otelier import guard, runtime, wire
from otelier.call import Call
from otelier.hooks import calling, streams
from otelier.protocols import Route
from otelier.protocols.stream_usage import answers, speaks
from otelier.protocols.stream_usage import asking as options_asking

# (call, route, args, kwargs) -> the arguments that ask, or None to leave them as they are.
Ask: TypeAlias = Callable[[Call, Route, Any, Any], "tuple[Any, Any] | None"]
# What the SDK made of the answer -> the same, without the chunk that was asked for.
Keep: TypeAlias = Callable[[Any], Any]

_RAW: Final = "x-stainless-raw-response"


def asking(ask: Ask, receive: calling.Receive, keep: Keep) -> tuple[calling.Send, calling.Receive]:
    """What sends and what receives the calls of a library, for :func:`calling.around`."""
    asked: WeakSet[Call] = WeakSet()

    def send(call: Call, route: Route, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        changed = None
        try:
            # Where nobody looks at the answer there is nothing to ask for.
            changed = ask(call, route, args, kwargs) if call.observing and _wanted() else None
            if changed is not None:
                asked.add(call)
        except Exception:
            changed = None
            guard.failed("stream_usage.ask")
        if changed is None:
            return wrapped(*args, **kwargs)
        args, kwargs = changed
        return wrapped(*args, **kwargs)

    def received(call: Call, route: Route, result: Any) -> Any:
        if call not in asked:
            return receive(call, route, result)
        try:
            result = receive(call, route, result)
        finally:
            try:
                kept = keep(result)
            except Exception:
                kept = result
                guard.failed("stream_usage.keep")
        return kept

    return send, received


def _wanted() -> bool:
    # A later instrument() may have switched it off.
    run = runtime.current()
    return run is not None and run.settings.stream_usage


def of_options(call: Call, route: Route, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
    """Ask by the options of a request of the Stainless SDKs, which are copied."""
    if not speaks(route, exactly=True) or not kwargs.get("stream"):
        return None
    # An HTTP response in the place of a type is what the program reads itself.
    if hasattr(calling.argument(args, kwargs, 0, "cast_to"), "iter_bytes"):
        return None
    options = calling.argument(args, kwargs, 1, "options")
    headers = options.headers
    if type(headers) is dict and any(type(n) is str and n.lower() == _RAW for n in headers):
        return None
    body, extra = options.json_data, wire.fields(getattr(options, "extra_json", None))
    if type(body) is not dict:
        return None
    asked = options_asking({**body, **extra}, call.identity.provider)
    if asked is None:
        return None
    changed = copy.copy(options)
    if "stream_options" in extra:
        changed.extra_json = {**extra, "stream_options": asked}
    else:
        changed.json_data = {**body, "stream_options": asked}
    return calling.instead(args, kwargs, 1, "options", changed)


def of_parameters(call: Call, route: Route, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
    """Ask by the parameters of a request of ``huggingface_hub``'s, which are copied."""
    if not speaks(route) or not kwargs.get("stream"):
        return None
    parameters = calling.argument(args, kwargs, 0, "request_parameters")
    body = calling.body_of(parameters.json)
    asked = options_asking(body, call.identity.provider)
    if asked is None:
        return None
    changed = replace(parameters, json={**body, "stream_options": asked})
    return calling.instead(args, kwargs, 0, "request_parameters", changed)


# --- what came of it --------------------------------------------------------------------------


class _Kept:
    """The items of a stream but for those that answer what we asked."""

    __slots__ = ("_inner", "_is_ours")

    def __init__(self, inner: Iterator[Any], is_ours: Callable[[Any], bool]) -> None:
        self._inner = inner
        self._is_ours = is_ours

    def __iter__(self) -> Iterator[Any]:
        return self._each() if type(_of_sdk(self._inner)) is GeneratorType else self

    def _each(self) -> Iterator[Any]:
        for item in self._inner:
            if not _ours(self._is_ours, item):
                yield item

    def __next__(self) -> Any:
        while True:
            item = self._inner.__next__()
            if not _ours(self._is_ours, item):
                return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _of_sdk(self._inner).__reduce_ex__(protocol)


class _AsyncKept:
    """The same, asynchronous."""

    __slots__ = ("_inner", "_is_ours")

    def __init__(self, inner: AsyncIterator[Any], is_ours: Callable[[Any], bool]) -> None:
        self._inner = inner
        self._is_ours = is_ours

    def __aiter__(self) -> AsyncIterator[Any]:
        if type(_of_sdk(self._inner)) is AsyncGeneratorType:
            try:
                return streams.unannounced(self._each())
            except Exception:
                guard.failed("stream_usage.each")
        return self

    async def _each(self) -> AsyncGenerator[Any, None]:
        yield
        async for item in self._inner:
            if not _ours(self._is_ours, item):
                yield item

    async def __anext__(self) -> Any:
        while True:
            item = await self._inner.__anext__()
            if not _ours(self._is_ours, item):
                return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _of_sdk(self._inner).__reduce_ex__(protocol)


def _of_sdk(inner: Any) -> Any:
    """The SDK's own iterator, which says whether a stream can be copied and pickled."""
    return getattr(inner, "_inner", inner)


def _ours(is_ours: Callable[[Any], bool], item: Any) -> bool:
    try:
        return is_ours(item)
    except Exception:
        guard.failed("stream_usage.item")
        return False


def _without(inner: Any, is_ours: Callable[[Any], bool]) -> Any:
    return (_AsyncKept if hasattr(inner, "__anext__") else _Kept)(inner, is_ours)


def keep(stream: Any) -> Any:
    """An SDK's stream, which stays itself, and gives the program what it would without us."""
    stream._iterator = _without(stream._iterator, _chunk)
    return stream


def _chunk(item: Any) -> bool:
    if answers(item):
        return True
    if type(item) is dict:  # of a program that asks for no types
        if item.get("usage", 0) is None:
            del item["usage"]
        return False
    members = item.__dict__
    extra = getattr(item, "__pydantic_extra__", None)
    if members.get("usage") is None and (extra is None or extra.get("usage") is None):
        _unsay(item, members, extra)
    return False


def _unsay(item: Any, members: dict[str, Any], extra: Any) -> None:
    """Take the null back that each chunk has when usage was asked for: it was not set."""
    kind = type(item)
    # Pydantic 2 warns of its first version's names.
    two = hasattr(kind, "__pydantic_fields__") or hasattr(kind, "model_fields")
    said = item.__pydantic_fields_set__ if two else item.__fields_set__
    said.discard("usage")
    if extra is not None:
        extra.pop("usage", None)
    elif not two and "usage" not in kind.__fields__:
        members.pop("usage", None)


def keep_lines(lines: Any) -> Any:
    """Lines of server-sent events, which an SDK reads as they come, without our answer."""
    return _without(lines, _line)


def _line(line: Any) -> bool:
    text = line if isinstance(line, str) else bytes(line).decode("utf-8", "replace")
    if not text.startswith("data:") or '"usage"' not in text:
        return False
    try:
        return answers(wire.loads(text[5:]))
    except ValueError:
        return False
