"""Recorded requests made again by the real SDKs, and what the application sees of the answers.

The clients are made for the providers' own hosts; their transport connects to the local server
instead. One code drives the synchronous and the asynchronous clients.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Coroutine, Mapping
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import anthropic
import openai

from tests.replay.recordings import Interaction, Recording

T = TypeVar("T")
# What an application sees: a comparable description of a result, or of an exception.
Seen: TypeAlias = tuple[Any, ...]

_RESOURCES = {
    "/v1/chat/completions": "chat.completions",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/messages?beta=true": "beta.messages",
}


def _http(sdk: ModuleType) -> Any:
    """The HTTP library of an SDK: httpx, or httpx2 in newer ones."""
    base = importlib.import_module(f"{sdk.__name__}._base_client")
    return getattr(base, "httpx2", None) or base.httpx  # type: ignore[attr-defined]


def _client(http: Any, port: int) -> Any:
    class Transport(http.HTTPTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(_local(http, request, port))

    return http.Client(transport=Transport(verify=False))


def _async_client(http: Any, port: int) -> Any:
    class Transport(http.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(_local(http, request, port))

    return http.AsyncClient(transport=Transport(verify=False))


def _local(http: Any, request: Any, port: int) -> Any:
    return http.Request(
        request.method,
        request.url.copy_with(scheme="http", host="127.0.0.1", port=port),
        headers=request.headers,  # The host header, too: it is the provider's.
        stream=request.stream,
        extensions=request.extensions,
    )


class Clients:
    """Synchronous and asynchronous clients of both SDKs, and a loop for the latter."""

    def __init__(self, port: int) -> None:
        self.loop = asyncio.Runner()
        self._clients: dict[tuple[str, bool], Any] = {}
        self._open: list[tuple[Any, Any]] = []
        common: dict[str, Any] = {"api_key": "test-key", "max_retries": 0}
        for sdk, sync, asynchronous in (
            (openai, openai.OpenAI, openai.AsyncOpenAI),
            (anthropic, anthropic.Anthropic, anthropic.AsyncAnthropic),
        ):
            http = _client(_http(sdk), port)
            ahttp = _async_client(_http(sdk), port)
            self._open.append((http, ahttp))
            self._clients[sdk.__name__, False] = sync(http_client=http, **common)
            self._clients[sdk.__name__, True] = asynchronous(http_client=ahttp, **common)

    def of(self, sdk: str, is_async: bool = False) -> Any:
        """One of the clients."""
        return self._clients[sdk, is_async]

    def close(self) -> None:
        for http, ahttp in self._open:
            http.close()
            self.loop.run(ahttp.aclose())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T], is_async: bool) -> T:
        """Drive ``work``: in the loop, or, where nothing in it waits, without any."""
        if is_async:
            return self.loop.run(work)
        try:
            work.send(None)
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("a synchronous client waited")

    def replay(self, recording: Recording, is_async: bool, way: str) -> list[Seen]:
        """Make the recorded requests; what the application saw, one by one."""
        client = self.of(recording.sdk, is_async)
        return [
            self.run(_outcome(client, interaction, WAYS[way]), is_async)
            for interaction in recording.interactions
        ]


_NEEDED = {
    "create": "create",
    "raw": "with_raw_response",
    "streaming": "with_streaming_response",
    "parse": "parse",
    "stream helper": "stream",
}


def missing(client: Any, recording: Recording, way: str) -> str | None:
    """What this version of the SDK does not have, of what a replay needs."""
    for interaction in recording.interactions:
        try:
            getattr(resource(client, interaction.path), _NEEDED[way])
        except AttributeError as absent:
            return str(absent)
    return None


def resource(client: Any, path: str) -> Any:
    """The SDK's resource for a path."""
    for name in _RESOURCES[path].split("."):
        client = getattr(client, name)
    return client


def arguments(method: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as keyword arguments; what ``method`` does not know goes into ``extra_body``."""
    known = inspect.signature(method).parameters
    given = {name: value for name, value in body.items() if name in known}
    extra = {name: value for name, value in body.items() if name not in known}
    return {**given, "extra_body": extra} if extra else given


async def _outcome(client: Any, interaction: Interaction, way: Callable[..., Any]) -> Seen:
    try:
        found: Seen = await way(resource(client, interaction.path), interaction.asked)
        return found
    except Exception as error:
        members = vars(error)
        return (
            type(error),
            str(error),
            *(members.get(name) for name in ("status_code", "body", "request_id", "code", "type")),
        )


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _all(items: Any) -> list[Any]:
    if hasattr(items, "__aiter__"):
        return [item async for item in items]
    return list(items)


class _Within:
    """A context manager of either kind."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._kind = type(manager)

    async def __aenter__(self) -> Any:
        if hasattr(self._kind, "__aenter__"):
            return await self._manager.__aenter__()
        return self._manager.__enter__()

    async def __aexit__(self, *error: Any) -> Any:
        if hasattr(self._kind, "__aexit__"):
            return await self._manager.__aexit__(*error)
        return self._manager.__exit__(*error)


def _dump(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return type(value).__name__, value.model_dump(warnings=False)
    return type(value).__name__, str(value)


async def _seen(result: Any) -> Seen:
    if hasattr(result, "__stream__"):
        return type(result), [_dump(event) for event in await _all(result)]
    return _dump(result), getattr(result, "_request_id", None)


def _head(response: Any) -> Seen:
    return type(response), response.status_code, sorted(response.headers.multi_items())


async def _create(of: Any, body: Mapping[str, Any]) -> Seen:
    return await _seen(await _awaited(of.create(**arguments(of.create, body))))


async def _raw(of: Any, body: Mapping[str, Any]) -> Seen:
    response = await _awaited(of.with_raw_response.create(**arguments(of.create, body)))
    return *_head(response), await _seen(await _awaited(response.parse()))


async def _streaming(of: Any, body: Mapping[str, Any]) -> Seen:
    manager = of.with_streaming_response.create(**arguments(of.create, body))
    async with _Within(manager) as response:
        return *_head(response), b"".join(await _all(response.iter_bytes(37)))


async def _parse(of: Any, body: Mapping[str, Any]) -> Seen:
    return await _seen(await _awaited(of.parse(**arguments(of.parse, body))))


async def _helper(of: Any, body: Mapping[str, Any]) -> Seen:
    rest = {name: value for name, value in body.items() if name != "stream"}
    async with _Within(of.stream(**arguments(of.stream, rest))) as stream:
        events = [_dump(event) for event in await _all(stream)]
        final = next(
            getattr(stream, name)
            for name in ("get_final_completion", "get_final_response", "get_final_message")
            if hasattr(stream, name)
        )
        return type(stream), events, _dump(await _awaited(final()))


WAYS: Mapping[str, Callable[..., Any]] = {
    "create": _create,
    "raw": _raw,
    "streaming": _streaming,
    "parse": _parse,
    "stream helper": _helper,
}


def ways(recording: Recording) -> list[str]:
    """The ways in which an application could have made these requests."""
    found = ["create", "raw", "streaming"]
    if all(_structured(each.asked) for each in recording.interactions):
        found.append("parse")
    if all(_streamable(each) for each in recording.interactions):
        found.append("stream helper")
    return found


def _structured(body: Mapping[str, Any]) -> bool:
    shapes = (
        body.get("response_format"),
        body.get("text", {}).get("format"),
        body.get("output_config", {}).get("format"),
    )
    return any(shape and shape["type"] == "json_schema" for shape in shapes)


def _streamable(interaction: Interaction) -> bool:
    # OpenAI's chat helper refuses tools that are not strict.
    chat_tools = "completions" in interaction.path and "tools" in interaction.asked
    return interaction.asked.get("stream") is True and not chat_tools
