"""Messages of Claude Code's stream, as its SDK reads them."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from tests.servers import claude_cli

MODEL = "claude-sonnet-4-5-20250929"
Message = dict[str, Any]


def program(folder: Path, *turns: list[Message], name: str = "main") -> tuple[str, dict[str, str]]:
    """A program that plays these turns: its path, and the environment that it needs."""
    path, script = folder / name / "claude", folder / name / "turns.json"
    path.parent.mkdir(exist_ok=True)
    script.write_text(json.dumps(turns))
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{claude_cli.__file__}" "$@"\n')
    os.chmod(path, path.stat().st_mode | stat.S_IXUSR)
    return str(path), {"FAKE_CLAUDE": str(script)}


def init(model: str = MODEL, tools: tuple[str, ...] = ("Bash", "Task")) -> Message:
    told = {"cwd": "/", "mcp_servers": [], "permissionMode": "default", "apiKeySource": "none"}
    told["claude_code_version"] = "2.1.250"
    return {"type": "system", "subtype": "init", "model": model, "tools": list(tools), **told}


def usage(read: int = 10, wrote: int = 5, cached: int = 0, written: int = 0) -> Message:
    return {
        "input_tokens": read,
        "output_tokens": wrote,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
    }


def assistant(key: str, *blocks: Message, parent: str | None = None, **more: Any) -> Message:
    """A message of the model's; those of one ``key`` are one call."""
    message = {
        "id": key,
        "type": "message",
        "role": "assistant",
        "model": more.pop("model", MODEL),
        "content": list(blocks),
        "stop_reason": more.pop("stop", None),
        "usage": more.pop("usage", usage()),
    }
    return {"type": "assistant", "message": message, "parent_tool_use_id": parent, **more}


def text(words: str) -> Message:
    return {"type": "text", "text": words}


def thinking(words: str) -> Message:
    return {"type": "thinking", "thinking": words, "signature": "c2ln"}


def use(key: str, name: str, **arguments: Any) -> Message:
    return {"type": "tool_use", "id": key, "name": name, "input": arguments}


def results(*told: tuple[Any, ...], parent: str | None = None, **more: Any) -> Message:
    """The answers of tools: ``(id, content)`` or ``(id, content, True)`` of one that failed."""
    blocks = [
        {"type": "tool_result", "tool_use_id": key, "content": content}
        | ({"is_error": True} if failed else {})
        for key, content, *failed in told
    ]
    message = {"role": "user", "content": blocks}
    return {"type": "user", "message": message, "parent_tool_use_id": parent, **more}


def result(words: str | None = "done", **more: Any) -> Message:
    told = {"duration_ms": 1, "duration_api_ms": 1, "num_turns": 1, "is_error": False}
    return {"type": "result", "subtype": "success", "result": words, **told, **more}


def bill(cost: float, read: int, wrote: int, cached: int = 0) -> Message:
    """What a result says that all of the connection has used."""
    model = {"inputTokens": read, "outputTokens": wrote, "cacheReadInputTokens": cached}
    model |= {"cacheCreationInputTokens": 0, "webSearchRequests": 0, "costUSD": cost}
    return {"total_cost_usd": cost, "modelUsage": {MODEL: model}}


def event(body: Message, parent: str | None = None) -> Message:
    return {"type": "stream_event", "event": body, "parent_tool_use_id": parent}
