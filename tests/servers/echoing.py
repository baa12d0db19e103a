"""A server in a process of its own that answers each request with what that one was asked.

For programs with a thousand requests at once: threads of the tests' own process would run in the
way of what is tested. A request's token (``t12``) is in its last message, and the answer has it in
its text, its id and its tokens, so that whose answer it is shows on each span.

By the model's name: ``…-refused`` is answered 429, ``…-endless`` streams until the client has gone.
A model that is offered tools calls the first of them, until a result of a tool is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_TOKEN = re.compile(r"t\d+")


def read(number: int) -> int:
    """How many tokens a call of this request's reads."""
    return 100_000 + number


def wrote(number: int) -> int:
    """How many it writes."""
    return 20_000 + number


class EchoServer:
    """The process, while the block is entered."""

    def __enter__(self) -> EchoServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *exception: object) -> None:
        # It ends with what it reads from.
        self._process.communicate()


def asked(body: dict[str, Any]) -> str:
    """The token of a request."""
    told = body.get("messages") or body.get("input")
    words = told if isinstance(told, str) else json.dumps(told[-1:])
    found = _TOKEN.findall(words) or _TOKEN.findall(json.dumps(told))
    return str(found[-1])


def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Status, and a body or the events of a stream."""
    from tests.servers import anthropic_wire, openai_wire

    token = asked(body)
    number, model = int(token[1:]), body["model"]
    text = f"{token} is the answer."
    refused = model.endswith("-refused")
    if path.endswith("/messages"):
        if refused:
            return 429, anthropic_wire.anthropic_error("rate_limit_error", f"{token} is too much.")
        usage = anthropic_wire.message_usage(read(number), wrote(number))
        block = anthropic_wire.text_block(text)
        whole = anthropic_wire.message(block, model=model, id=f"msg_{token}", usage=usage)
        return 200, anthropic_wire.message_events(whole) if body.get("stream") else whole
    if refused:
        return 429, openai_wire.error_body(f"{token} is too much.", type="rate_limit_error")
    if path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        used = {"prompt_tokens": read(number), "total_tokens": read(number)}
        return 200, {"object": "list", "data": [vector], "model": model, "usage": used}
    told = body["messages"]
    tools = body.get("tools") or ()
    if tools and not any(each.get("role") == "tool" for each in told):
        calls = [
            openai_wire.tool_call(
                tool["function"]["name"], {"token": token}, id=f"call_{token}_{place}"
            )
            for place, tool in enumerate(tools[:1])
        ]
        message = openai_wire.chat_message(tool_calls=calls)
    else:
        message = openai_wire.chat_message(text)
    told_usage = openai_wire.chat_usage(read(number), wrote(number))
    named: dict[str, Any] = {"model": model, "id": f"chatcmpl-{token}", "usage": told_usage}
    if body.get("stream"):
        return 200, openai_wire.chat_chunks(message, include_usage=True, **named)
    return 200, openai_wire.chat_completion(message, **named)


def _event(event: dict[str, Any], named: bool) -> bytes:
    data = b"data: %b\n\n" % json.dumps(event).encode()
    data = b"event: %b\n%b" % (event["type"].encode(), data) if named else data
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            status, told = answer(first.split(" ")[1], body)
            if isinstance(told, list):
                endless = body["model"].endswith("-endless")
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    b"transfer-encoding: chunked\r\n\r\n"
                )
                named = "type" in told[0]
                for event in told[:4] if endless else told:
                    writer.write(_event(event, named))
                if endless:
                    await writer.drain()
                    await reader.read()
                    return
                if not named:
                    writer.write(b"e\r\ndata: [DONE]\n\n\r\n")
                writer.write(b"0\r\n\r\n")
            else:
                data = json.dumps(told).encode()
                writer.write(
                    b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\nx-request-id: req_%b\r\n"
                    b"content-length: %d\r\n\r\n%b"
                    % (status, asked(body).encode(), len(data), data)
                )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    # Connections that are open have nothing to say.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main())
