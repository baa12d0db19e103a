"""``google.genai``: generate_content, embed_content, count_tokens, interactions, over httpx."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from itertools import cycle
from typing import Any

import pytest

from tests.servers import Json, gemini_wire
from tests.transparency.app import App, resolve
from tests.transparency.providers import Case, Provider

MODEL = gemini_wire.MODEL


def warn_again() -> None:
    """Some warnings the SDK logs once in a process: each run is to show its own."""
    models = importlib.import_module("google.genai.models")
    for owner in (models.Models, models.AsyncModels):
        if hasattr(owner, "_logged_afc_warning"):
            owner._logged_afc_warning = False


def make(app: App) -> Any:
    genai = pytest.importorskip("google.genai")
    warn_again()
    module = importlib.import_module("google.genai._api_client")
    options: dict[str, Any] = {"base_url": app.server.url}
    if hasattr(
        module.BaseApiClient if hasattr(module, "BaseApiClient") else module, "_use_aiohttp"
    ):
        # The SDK takes aiohttp where it is installed, unless a transport is given.
        backend = getattr(module, "_DEFAULT_HTTP_CLIENT_BACKEND", "httpx")
        http = getattr(module, backend, None) or module.httpx
        options["async_client_args"] = {"transport": http.AsyncHTTPTransport(verify=False)}
        options["client_args"] = {"verify": False}
    client = genai.Client(api_key="k", http_options=options)
    return client.aio if app.asynchronous else client


TOOLS = {
    "function_declarations": [
        {
            "name": "weather",
            "description": "Weather",
            "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
        }
    ]
}
CONFIG: dict[str, Any] = {
    "system_instruction": "Be brief.",
    "temperature": 0.5,
    "max_output_tokens": 9,
    "tools": [TOOLS],
}


def weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


# Old versions read types, not their names.
weather.__annotations__.update({"city": str, "return": str})


def _without() -> dict[str, str]:
    try:
        major, minor = map(int, version("google-genai").split(".")[:2])
    except PackageNotFoundError:
        return {}
    threads = "the SDK makes asynchronous calls in threads, which nobody can cancel"
    return {"cancelled": threads} if (major, minor) < (1, 3) else {}


def _functions() -> Any:
    genai = importlib.import_module("google.genai")
    return genai.types.GenerateContentConfig(tools=[weather])


# The answers of a call that runs a function, in turn.
_TURNS = cycle(
    (
        gemini_wire.answer(gemini_wire.candidate(gemini_wire.call())),
        gemini_wire.answer(),
    )
)

PROVIDER = Provider(
    "google_genai",
    "google.genai",
    make,
    (
        Case(
            "generate",
            lambda c, _: c.models.generate_content(model=MODEL, contents="Hi"),
            lambda: Json(gemini_wire.answer()),
        ),
        Case(
            "generate-tools",
            lambda c, _: c.models.generate_content(model=MODEL, contents="Hi", config=CONFIG),
            lambda: Json(gemini_wire.answer(gemini_wire.candidate(gemini_wire.call()))),
        ),
        Case(
            "chat-functions",
            lambda c, _: c.chats.create(model=MODEL, config=_functions()).send_message("Hi"),
            lambda: Json(next(_TURNS)),
            spans=4,
            parents=("invoke_agent",),
            requests=2,
        ),
        Case(
            "functions-stream",
            lambda c, _: c.models.generate_content_stream(
                model=MODEL, contents="Hi", config=_functions()
            ),
            gemini_wire.stream,
            streamed=True,
            spans=2,
            parents=("invoke_agent",),
        ),
        Case(
            "embed",
            lambda c, _: c.models.embed_content(model="gemini-embedding-001", contents=["a", "b"]),
            lambda: Json(gemini_wire.embeddings(2)),
        ),
        Case(
            "count",
            lambda c, _: c.models.count_tokens(model=MODEL, contents="Hi"),
            lambda: Json(gemini_wire.count()),
        ),
        Case(
            "get-model",
            lambda c, _: c.models.get(model=MODEL),
            lambda: Json({"name": f"models/{MODEL}", "displayName": "Gemini"}),
            spans=0,
        ),
        Case(
            "stream",
            lambda c, _: c.models.generate_content_stream(model=MODEL, contents="Hi"),
            gemini_wire.stream,
            streamed=True,
        ),
        Case(
            "chat-stream",
            lambda c, _: c.chats.create(model=MODEL).send_message_stream("Hi"),
            gemini_wire.stream,
            streamed=True,
        ),
        Case(
            "interaction",
            lambda c, _: resolve(c, "interactions.create")(model=MODEL, input="Hi"),
            lambda: Json(gemini_wire.interaction()),
        ),
        Case(
            "interaction-get",
            lambda c, _: resolve(c, "interactions.get")(gemini_wire.INTERACTION_ID),
            lambda: Json(gemini_wire.interaction()),
        ),
        Case(
            "interaction-stream",
            lambda c, _: resolve(c, "interactions.create")(model=MODEL, input="Hi", stream=True),
            gemini_wire.events,
            streamed=True,
        ),
    ),
    error=gemini_wire.error,
    without=_without(),
)
