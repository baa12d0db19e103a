"""What the provider of the page of OpenAI answers."""

from __future__ import annotations

import atexit
from typing import Any, Final

from tests.sdks.stainless.realtime_server import (
    RealtimeServer,
    created,
    delta,
    done,
    on,
    session,
    spoken,
)
from tests.servers import Json, ProviderServer
from tests.servers.openai_responses import (
    function_call_item,
    message_item,
    response_object,
    response_usage,
)

TREE = """
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6-luna → gpt-6-luna-2026-09-17
chat gpt-6.1-terra
fetch response gpt-6.1-terra
agent gpt-6.1-terra
├─ chat gpt-6.1-terra
├─ tool look_up
└─ chat gpt-6.1-terra
chat gpt-realtime-2
session conv_68f0a3c2b1
"""
# Realtime's address is made of the one address that clients have.
BEFORE = """
import os, sys
if "talk.py" in sys.orig_argv:
    os.environ["OPENAI_BASE_URL"] = os.environ["MANUAL_REALTIME"]
"""
_LUNA: Final = "gpt-6-luna-2026-09-17"
_TERRA: Final = "gpt-6.1-terra"
_CONVERSATION: Final = "conv_68f0a3c2b1"
_REPORT: Final = "resp_0b7f64d2a8"


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    weather = function_call_item("get_weather", {"city": "Paris"}, call_id="call_3fQ8")
    order = function_call_item("look_up", {"order": 17}, call_id="call_7hT2")
    talk: dict[str, Any] = {"conversation": {"id": _CONVERSATION}}
    waiting = response_object(model=_TERRA, id=_REPORT, status="queued", background=True)
    server.script(
        _answer(1, weather, _LUNA, 71, 20),
        _answer(2, message_item("It is 18 °C and sunny in Paris."), _LUNA, 112, 14),
        Json({"id": _CONVERSATION, "object": "conversation", "created_at": 1, "metadata": {}}),
        _answer(3, message_item("The Loire."), _LUNA, 14, 6, **talk),
        _answer(4, message_item("It is 1,006 km long."), _LUNA, 33, 12, **talk),
        _reply(5, waiting),
        _reply(
            6,
            response_object(
                message_item("Three databases, compared."),
                model=_TERRA,
                id=_REPORT,
                usage=response_usage(19, 2210, reasoning=1472),
                background=True,
            ),
        ),
        _answer(7, order, _TERRA, 84, 22),
        _answer(8, message_item("Order 17 was sent on Monday."), _TERRA, 121, 13),
    )
    said = spoken("Good morning!")
    model = {"model": "gpt-realtime-2", "id": "sess_Cj2mT4"}
    about = {"id": "resp_Cj2mU9", "conversation_id": "conv_Cj2mS1"}
    events = (created(**about), delta("Good morning!", "resp_Cj2mU9"), done(said, **about))
    answer = on("response.create", *events)
    realtime = RealtimeServer(answer, [session(**model, tools=[])])
    realtime.__enter__()
    atexit.register(realtime.__exit__)
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "MANUAL_REALTIME": f"http://{realtime.host}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }


def _answer(
    number: int, item: dict[str, Any], model: str, read: int, made: int, **more: Any
) -> Json:
    usage = response_usage(read, made)
    id = f"resp_0b7f64d2a{number}"
    return _reply(number, response_object(item, model=model, id=id, usage=usage, **more))


def _reply(number: int, body: dict[str, Any]) -> Json:
    ids = {"x-request-id": f"req_5c1e90f7{number}", "openai-organization": "acme-4tq9"}
    return Json(body, headers={**ids, "openai-project": "proj_Yw3kD7"})
