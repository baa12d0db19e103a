"""What the provider of the page of Anthropic answers."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.servers import Json, ProviderServer, Raw, Sse
from tests.servers.anthropic_wire import (
    anthropic_error,
    message,
    message_batch,
    message_events,
    message_usage,
    text_block,
    tool_use_block,
)

TREE = """
chat claude-sonnet-5-5
chat claude-sonnet-5-5
agent claude-haiku-5-5
├─ chat claude-haiku-5-5
├─ tool look_up
└─ chat claude-haiku-5-5
batch results claude-haiku-5-5
"""
_BATCH: Final = "msgbatch_01H7kz"
_SONNET: Final = "claude-sonnet-5-5"
_HAIKU: Final = "claude-haiku-5-5"


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    called = tool_use_block("look_up", {"order": 17}, id="toolu_01Yc5")
    ended = message_batch("ended", results_url=f"{server.url}/v1/messages/batches/{_BATCH}/results")
    server.script(
        _stream(1, "ArgumentParser, by parse_args().", message_usage(19, 16, cache_5m=7402)),
        _stream(2, "add_argument().", message_usage(17, 11, cache_read=7402)),
        _whole(3, called, message_usage(402, 48)),
        _whole(4, text_block("Order 17 was sent on Monday."), message_usage(471, 15)),
        Json({**ended, "id": _BATCH}),
        Raw(_results(), "application/x-jsonl", headers=_headers(5)),
    )
    return {"ANTHROPIC_BASE_URL": server.url, "OTELIER_PROVIDER_HOSTS": "127.0.0.1=anthropic"}


def _headers(number: int) -> dict[str, str]:
    ids = {"request-id": f"req_011CV8q{number}", "anthropic-workspace-id": "wrkspc_01JwQ"}
    return {**ids, "anthropic-organization-id": "1f6c2c9e-4d0b"}


def _stream(number: int, text: str, usage: dict[str, Any]) -> Sse:
    whole = message(text_block(text), model=_SONNET, usage=usage, id=f"msg_01Xk{number}")
    return Sse(message_events(whole), done=None, named=True, headers=_headers(number))


def _whole(number: int, block: dict[str, Any], usage: dict[str, Any]) -> Json:
    whole = message(block, model=_HAIKU, usage=usage, id=f"msg_01Xk{number}")
    return Json(whole, headers=_headers(number))


def _results() -> bytes:
    usage = message_usage(96, 7, service_tier="batch")
    said = message(text_block("positive"), model=_HAIKU, usage=usage, id="msg_01Xk5")
    results = (
        {"type": "succeeded", "message": said},
        {"type": "succeeded", "message": {**said, "id": "msg_01Xk6"}},
        {"type": "errored", "error": anthropic_error()},
    )
    lines = ({"custom_id": f"review-{at}", "result": each} for at, each in enumerate(results))
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
