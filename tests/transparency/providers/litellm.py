"""``litellm``: its functions over the ``openai`` SDK and over its own HTTP."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pytest

from tests.servers import Json, Sse, anthropic_wire, openai_wire
from tests.transparency.app import ASK, App, resolve
from tests.transparency.providers import Case, Provider

_WORKER = "litellm.litellm_core_utils.logging_worker"
CLAUDE = "claude-sonnet-4-20250514"


def newest() -> bool:
    """Whether this is one of the versions whose rarer functions import what are extras."""
    if find_spec("litellm") is None:
        return True
    return tuple(map(int, version("litellm").split(".")[:2])) >= (1, 80)


def callbacks() -> dict[str, list[Any]]:
    """The lists of whom LiteLLM tells of calls, by name; what is in one it puts into others."""
    held = vars(import_module("litellm"))
    return {
        name: value
        for name, value in held.items()
        if "callback" in name and isinstance(value, list) and not name.startswith("_known_")
    }


def settle() -> None:
    """Wait for the threads in which LiteLLM logs, and keeps what it logs."""
    pool = import_module("litellm.utils").executor
    while pool._threads and pool._idle_semaphore._value < len(pool._threads):
        pool.submit(int).result()
    for thread in threading.enumerate():
        if "success" in thread.name or "failure" in thread.name:
            thread.join()


async def logged() -> None:
    """Let LiteLLM's tasks log what is to be logged: else the next event loop takes it over."""
    try:
        worker = import_module(_WORKER).GLOBAL_LOGGING_WORKER
    except ImportError:  # before 1.73
        return
    for _ in range(10):  # what it is to do comes with tasks of their own
        await asyncio.sleep(0)
    await worker.flush()
    await worker.stop()


def needs(*extras: str) -> None:
    """Skip where newer versions do not find these extras of theirs."""
    if newest():
        for extra in extras:
            pytest.importorskip(extra)


def _prepare() -> None:
    """Import LiteLLM, and let it import and warn of what it does with its first call."""
    # Else it asks the network for prices: and no test sees this environment.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    sdk = import_module("litellm")
    sdk.suppress_debug_info = True
    # Connections of aiohttp's are closed by their loop when it gets to it.
    sdk.disable_aiohttp_transport = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdk.completion("gpt-4o", ASK, mock_response="Hi")
        list(sdk.completion("gpt-4o", ASK, mock_response="Hi", stream=True))


if find_spec("litellm") is not None:
    _prepare()


class Client:
    """LiteLLM's functions with the local server for every provider."""

    def __init__(self, app: App) -> None:
        self.sdk: Any = pytest.importorskip("litellm")
        self.sdk.suppress_debug_info = True
        # Somebody another test has left would be told of these calls, too, in its own time.
        assert not any(callbacks().values()), "callbacks of another test"
        self._url = app.server.url
        self._prefix = "a" if app.asynchronous else ""

    def call(self, name: str, model: str, **options: Any) -> Any:
        """One of LiteLLM's functions, which calls ``model`` of the local server."""
        function = resolve(self.sdk, self._prefix + name)
        return function(model=model, **self.at(model), **options)

    def at(self, model: str) -> dict[str, Any]:
        """Where the model of this name is."""
        base = self._url if model.startswith(("anthropic/", "cohere/")) else f"{self._url}/v1"
        return {"api_base": base, "api_key": "k", "max_retries": 0}

    def messages(self, **options: Any) -> Any:
        """The call in Anthropic's shape, of which there is an asynchronous function only."""
        function = resolve(self.sdk, "anthropic_messages")
        model = f"anthropic/{CLAUDE}"
        return function(model=model, messages=ASK, max_tokens=9, **self.at(model), **options)

    def router(self, model: str, **options: Any) -> Any:
        """The call by a router with one deployment."""
        deployment = {"model_name": "mine", "litellm_params": {"model": model, **self.at(model)}}
        router = self.sdk.Router(model_list=[deployment], num_retries=0)
        call = router.acompletion if self._prefix else router.completion
        return call(model="mine", messages=ASK, **options)

    async def aclose(self) -> None:
        """Let its logging end; close the HTTP clients that it keeps, and forget them."""
        if self._prefix:
            await logged()
        settle()
        kept = self.sdk.in_memory_llm_clients_cache
        for holder in list(kept.cache_dict.values()):
            client = getattr(holder, "client", holder)
            close = getattr(client, "aclose", None) or getattr(client, "close", None)
            done = close() if close is not None else None
            if self._prefix and hasattr(done, "__await__"):
                await done
            elif hasattr(done, "__await__"):
                done.close()
        kept.flush_cache()
        getattr(self.sdk, "error_logs", {}).clear()  # older versions keep the last exception
        if self._prefix:
            transport = self.sdk.module_level_aclient.client._transport
            await transport._pool.aclose()


def claude(**extra: Any) -> Json:
    return Json(anthropic_wire.message(model=CLAUDE, **extra))


def claude_stream() -> Sse:
    events = anthropic_wire.message_events(anthropic_wire.message(model=CLAUDE))
    return Sse(events, done=None, named=True)


def chat_stream() -> Sse:
    return Sse(openai_wire.chat_chunks())


def responses_stream() -> Sse:
    events = openai_wire.response_events(openai_wire.response_object())
    return Sse(events, done=None, named=True)


def responses(client: Client, model: str, **options: Any) -> Any:
    needs("mcp")
    return client.call("responses", model, input="Hi", **options)


def tools(client: Client) -> Any:
    needs("mcp")
    return client.call("completion", "openai/gpt-4o", messages=ASK, tools=TOOLS)


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
RANKED = {
    "id": "rank-1",
    "results": [{"index": 1, "relevance_score": 0.9}],
    "meta": {"api_version": {"version": "1"}, "billed_units": {"search_units": 1}},
}

PROVIDER = Provider(
    "litellm",
    "litellm",
    Client,
    (
        Case(
            "chat",
            lambda c, _: c.call("completion", "openai/gpt-4o", messages=ASK),
            lambda: Json(openai_wire.chat_completion()),
        ),
        Case(
            "chat-tools",
            lambda c, _: tools(c),
            lambda: Json(
                openai_wire.chat_completion(
                    openai_wire.chat_message(tool_calls=[openai_wire.tool_call("weather")])
                )
            ),
        ),
        Case(
            "claude",
            lambda c, _: c.call("completion", f"anthropic/{CLAUDE}", messages=ASK),
            claude,
        ),
        Case(
            "router",
            lambda c, _: c.router("openai/gpt-4o"),
            lambda: Json(openai_wire.chat_completion()),
        ),
        Case(
            "text",
            lambda c, _: c.call("text_completion", "openai/gpt-3.5-turbo-instruct", prompt="Hi"),
            lambda: Json(openai_wire.completion()),
        ),
        Case(
            "embedding",
            lambda c, _: c.call("embedding", "openai/text-embedding-3-small", input=["a"]),
            lambda: Json(openai_wire.embeddings()),
        ),
        Case(
            "rerank",
            lambda c, _: c.call("rerank", "cohere/rerank-v3.5", query="a", documents=["b", "c"]),
            lambda: Json(RANKED),
        ),
        Case(
            "responses",
            lambda c, _: responses(c, "openai/gpt-4o"),
            lambda: Json(openai_wire.response_object()),
        ),
        Case(
            "chat-stream",
            lambda c, _: c.call("completion", "openai/gpt-4o", messages=ASK, stream=True),
            chat_stream,
            streamed=True,
        ),
        Case(
            "claude-stream",
            lambda c, _: c.call("completion", f"anthropic/{CLAUDE}", messages=ASK, stream=True),
            claude_stream,
            streamed=True,
            ahead=4,
        ),
        Case(
            "messages",
            lambda c, _: c.messages(),
            claude,
            flavours=("async",),
        ),
        Case(
            "responses-stream",
            lambda c, _: responses(c, "openai/gpt-4o", stream=True),
            responses_stream,
            streamed=True,
        ),
    ),
    error=lambda: Json(openai_wire.error_body(), status=400),
    without={}
    if newest()
    else {"broken": "older versions' exceptions say times and tracebacks, and ask the network"},
)
