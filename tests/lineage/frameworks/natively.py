"""What tests of frameworks with spans of their own have in common."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

from otelier import guard, natives, under_way
from tests.lineage.frameworks.global_provider import leading_to
from tests.servers import ProviderServer, openai_wire
from tests.telemetry import Telemetry

# Content of all of these tests.
SECRETS = ("Paris", "sunny", "Be brief", "local server")


def running(server: ProviderServer) -> Iterator[Telemetry]:
    """otelier on, and the framework's spans among ours; nothing is left when the test is over."""
    # Earlier tests of this process may have left something open.
    gc.collect()
    before = set(under_way._open)
    telemetry = Telemetry()
    with leading_to(telemetry):
        host = server.url.removeprefix("http://")
        telemetry.start(provider_hosts=f"{host}=openai")
        yield telemetry
        telemetry.stop()
    assert not guard.failures(), guard.failures()
    gc.collect()
    assert not under_way._open - before
    assert not natives.watched


def asks(*names: str, **arguments: Any) -> dict[str, Any]:
    """An answer that calls tools, the weather's if none is named."""
    asked = [
        openai_wire.tool_call(name, arguments or {"city": "Paris"}, id=f"call_{at}")
        for at, name in enumerate(names or ("get_weather",))
    ]
    return openai_wire.chat_message(None, tool_calls=asked)


def told(telemetry: Telemetry, name: str) -> dict[str, Any]:
    """The attributes of the first span of that name."""
    return dict(telemetry.spans(name)[0].attributes or {})


def everything(telemetry: Telemetry) -> str:
    """All that spans and their events say."""
    found = []
    for span in telemetry.spans():
        found += [span.name, json.dumps(dict(span.attributes or {}), default=str)]
        found += [f"{e.name} {dict(e.attributes or {})}" for e in span.events]
    return "\n".join(found)
