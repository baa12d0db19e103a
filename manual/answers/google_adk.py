"""What the provider of the page of Google's ADK answers."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, ProviderServer
from tests.servers.gemini_wire import answer, call, candidate, text

TREE = """
workflow weather
└─ agent weather
   ├─ generate gemini-3.8-flash
   ├─ tool get_weather
   └─ generate gemini-3.8-flash
"""


def _used(read: int, wrote: int) -> dict[str, Any]:
    return {
        "promptTokenCount": read,
        "candidatesTokenCount": wrote,
        "totalTokenCount": read + wrote,
    }


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    known = {"modelVersion": "gemini-3.8-flash"}
    asked = candidate(call("get_weather", {"city": "Paris"}))
    said = candidate(text("It is 18 °C and sunny in Paris."))
    server.script(
        Json(answer(asked, usage=_used(74, 13), **known)),
        Json(answer(said, usage=_used(112, 14), **known)),
    )
    return {
        "GOOGLE_API_KEY": "made-up",
        "GOOGLE_GEMINI_BASE_URL": server.url,
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=gcp.gemini",
    }
