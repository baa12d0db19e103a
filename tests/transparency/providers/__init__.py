"""Providers with SDKs of their own, each as a table of calls that one suite plays on all paths.

A module here describes one SDK: how a client for the local server is made, and its calls.
``tests/transparency/test_providers.py`` plays them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Json, Reply
from tests.transparency import app
from tests.transparency.app import App


async def _itself(app: App, result: Any) -> Any:
    return result


@dataclass(frozen=True)
class Case:
    """One call of an SDK."""

    name: str
    # (client, asynchronous) -> the result, an awaitable of it, or a stream.
    start: Callable[[Any, bool], Any]
    # What the server answers, made anew for each request.
    reply: Callable[[], Reply]
    # Whether the answer is a stream of events.
    streamed: bool = False
    # The stream in what the SDK returned (``response["body"]``).
    stream: Callable[[App, Any], Awaitable[Any]] = _itself
    spans: int = 1
    # Spans that may be the parent of the call's, beside the caller's.
    parents: tuple[str, ...] = ()
    # How many requests the call makes (tool loops); each is answered by ``reply``.
    requests: int = 1
    flavours: tuple[str, ...] = ("sync", "async")
    # How many events the SDK reads before it gives the first one away.
    ahead: int = 1


@dataclass(frozen=True)
class Provider:
    """One SDK."""

    name: str
    # The module that must be there.
    module: str
    make: Callable[[App], Any]
    cases: tuple[Case, ...]
    # What the provider answers when it refuses a call.
    error: Callable[[], Reply] = lambda: Json({"error": {"message": "no", "code": 400}}, status=400)
    # Paths of the suite that make no sense for this SDK, with the reason.
    without: dict[str, str] = field(default_factory=dict)
    # The module of its asynchronous clients, where that is another.
    asynchronous: str | None = None


def providers() -> list[Provider]:
    """All of them."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [
        import_module(f"{__name__}.{name}").PROVIDER for name in names if not name.startswith("_")
    ]


def open_client(provider: Provider, app_: App) -> Any:
    """A client for the scenario's server; skips where the SDK is not installed."""
    pytest.importorskip(provider.module)
    # Not by the name alone: anthropic's clients are by cloud, as Bedrock's.
    kind = f"provider {provider.name}"
    app.MAKERS[kind] = provider.make
    return app_.client(kind)
