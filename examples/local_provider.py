"""A stand-in for OpenAI and Anthropic on this machine, so that the examples need no keys.

    python examples/local_provider.py 8000

It speaks their wire formats (chat completions, responses and embeddings; messages), streams
included, and answers what `rag_pipeline.py` asks. Usage grows with what is sent; a conversation
that goes on finds its beginning in the cache. Models it does not know are a 404, as at the real
ones.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import struct
import sys
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

OPENAI_MODELS = ("gpt-6-luna", "gpt-6.1-sol", "text-embedding-3-small")
ANTHROPIC_MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")

CLASSIFICATION = {"topic": "leave", "needs_tools": True}
ARGUMENTS = {"leave_balance": {"employee": "ada"}, "days_until": {"date": "2027-03-31"}}
NOTES = (
    "Up to five unused days may be carried over; they lapse on 31 March. Ada has seven days left "
    "this year, so two of them must be taken before the year ends."
)
THOUGHTS = "Seven days are left and five may be carried over, so two would be lost. Say that first."
ANSWER = (
    "You have seven days of leave left this year and may carry five of them into the next one. "
    "Take the other two before 31 December, or they are lost. What you carry over has to be used "
    "by 31 March."
)

THINKING_SECONDS = 0.06
CHUNK_SECONDS = 0.02
DIMENSIONS = 256


class RequestError(Exception):
    """A request that is answered by an HTTP error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def tokens(value: Any) -> int:
    """About as many tokens as a value would be."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return math.ceil(len(text) / 3.8)


def new_id(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex[:24]}"


class Cache:
    """How much of a prompt the provider has seen before, in steps of 64 tokens."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def cached(self, messages: list[Any]) -> int:
        found = 0
        for end in range(1, len(messages) + 1):
            prefix = json.dumps(messages[:end])
            if prefix in self._seen:
                found = tokens(messages[:end])
            self._seen.add(prefix)
        return found // 64 * 64


CACHE = Cache()


# --- OpenAI -----------------------------------------------------------------------------------


def known_model(body: Json, models: tuple[str, ...]) -> str:
    model = str(body.get("model"))
    if model not in models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        error = {"message": message, "type": "invalid_request_error", "param": None}
        raise RequestError(404, {"error": {**error, "code": "model_not_found"}})
    return model


def openai_usage(body: Json, output: Any, reasoning: int) -> Json:
    sent = [body.get("tools", []), *body["messages"]]
    given, made = tokens(sent), tokens(output) + reasoning
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": min(CACHE.cached(sent), given)},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def chat(body: Json) -> Json | Iterator[Json]:
    model = known_model(body, OPENAI_MODELS)
    message: Json = {"role": "assistant", "content": NOTES, "refusal": None}
    reasoning, reason = 0, "stop"
    if body.get("response_format"):
        message["content"] = json.dumps(CLASSIFICATION)
    elif body.get("tools") and body["messages"][-1].get("role") != "tool":
        message["content"] = None
        message["tool_calls"] = [tool_call(tool["function"]) for tool in body["tools"]]
        reasoning, reason = 128, "tool_calls"
    usage = openai_usage(body, message.get("tool_calls") or message["content"], reasoning)
    whole = {
        "id": new_id("chatcmpl-"),
        "created": int(time.time()),
        "model": f"{model}-2026-09-17",
        "service_tier": "default",
        "system_fingerprint": "fp_5f20662549",
    }
    if body.get("stream"):
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return chat_chunks(whole, message, reason, usage if with_usage else None)
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return {**whole, "object": "chat.completion", "choices": [choice], "usage": usage}


def tool_call(function: Json) -> Json:
    arguments = json.dumps(ARGUMENTS.get(function["name"], {}))
    called = {"name": function["name"], "arguments": arguments}
    return {"id": new_id("call_"), "type": "function", "function": called}


def chat_chunks(whole: Json, message: Json, reason: str, usage: Json | None) -> Iterator[Json]:
    def chunk(delta: Json, finish_reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**whole, "object": "chat.completion.chunk", "choices": [choice]}

    yield chunk({"role": "assistant", "content": "" if message["content"] else None})
    for index, call in enumerate(message.get("tool_calls", ())):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    for piece in pieces(message["content"] or ""):
        yield chunk({"content": piece})
    yield chunk({}, reason)
    if usage is not None:
        yield {**whole, "object": "chat.completion.chunk", "choices": [], "usage": usage}


def responses(body: Json) -> Json | Iterator[Json]:
    model = known_model(body, OPENAI_MODELS)
    text = {"type": "output_text", "text": NOTES, "annotations": [], "logprobs": []}
    item = {"id": new_id("msg_"), "type": "message", "role": "assistant", "status": "completed"}
    given, made = tokens(body.get("input", "")), tokens(NOTES) + 64
    response = {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": f"{model}-2026-09-17",
        "output": [{**item, "content": [text]}],
        "instructions": body.get("instructions"),
        "previous_response_id": body.get("previous_response_id"),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": given + made,
        },
    }
    return response_events(response, item, text) if body.get("stream") else response


def response_events(response: Json, item: Json, text: Json) -> Iterator[Json]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": started},
        {"type": "response.content_part.added", **place, "part": {**text, "text": ""}},
        *(
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
            for piece in pieces(text["text"])
        ),
        {"type": "response.output_text.done", **place, "text": text["text"], "logprobs": []},
        {"type": "response.content_part.done", **place, "part": text},
        {"type": "response.output_item.done", "output_index": 0, "item": response["output"][0]},
        {"type": "response.completed", "response": response},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def embeddings(body: Json) -> Json:
    model = known_model(body, OPENAI_MODELS)
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    in_base64 = body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(inputs):
        vector = embedding(str(text))
        packed = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()
        shown = packed if in_base64 else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    given = sum(tokens(text) for text in inputs)
    usage = {"prompt_tokens": given, "total_tokens": given}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def embedding(text: str) -> list[float]:
    """A bag of word stems, so that texts on the same thing are near each other."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"[a-z]{4,}", text.lower()):
        vector[zlib.crc32(word[:5].encode()) % DIMENSIONS] += 1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


# --- Anthropic --------------------------------------------------------------------------------


def messages(body: Json) -> Json | Iterator[Json]:
    if body.get("model") not in ANTHROPIC_MODELS:
        error = {"type": "not_found_error", "message": f"model: {body.get('model')}"}
        raise RequestError(404, {"type": "error", "error": error, "request_id": new_id("req_")})
    thinking = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    blocks: list[Json] = [{"type": "text", "text": ANSWER}]
    if thinking:
        blocks.insert(0, {"type": "thinking", "thinking": THOUGHTS, "signature": "c2lnbmVk"})
    sent = [body.get("system", ""), *body["messages"]]
    thought = tokens(THOUGHTS) if thinking else 0
    usage = {
        "input_tokens": tokens(sent),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": tokens(ANSWER) + thought,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }
    message = {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": blocks,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    return message_events(message) if body.get("stream") else message


def message_events(message: Json) -> Iterator[Json]:
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        field = {"text": "text", "thinking": "thinking"}[kind]
        empty = {**block, field: "", **({"signature": ""} if kind == "thinking" else {})}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for piece in pieces(block[field]):
            delta = {"type": f"{field}_delta", field: piece}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if kind == "thinking":
            delta = {"type": "signature_delta", "signature": block["signature"]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": usage}
    yield {"type": "message_stop"}


def pieces(text: str) -> list[str]:
    """The text in chunks of a few words, as models produce it."""
    return re.findall(r"(?:\S+\s*){1,4}", text)


# --- HTTP -------------------------------------------------------------------------------------

ROUTES: dict[str, Callable[[Json], Json | Iterator[Json]]] = {
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/embeddings": embeddings,
    "/v1/messages": messages,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        time.sleep(THINKING_SECONDS)
        try:
            if path not in ROUTES:
                raise RequestError(404, {"error": {"message": f"no such path: {path}"}})
            answer = ROUTES[path](body)
        except RequestError as error:
            self.respond(error.body, error.status)
            return
        if isinstance(answer, dict):
            time.sleep(THINKING_SECONDS)
            self.respond(answer)
        else:
            self.stream(answer, is_chat=path == "/v1/chat/completions")

    def respond(self, body: Json, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.begin(status, "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events: Iterator[Json], is_chat: bool) -> None:
        self.begin(200, "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for event in events:
                time.sleep(CHUNK_SECONDS)
                named = "" if is_chat else f"event: {event['type']}\n"
                self.send_chunk(f"{named}data: {json.dumps(event)}\n\n")
            self.send_chunk("data: [DONE]\n\n" if is_chat else "")
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:  # The client has heard enough.
            self.close_connection = True

    def send_chunk(self, text: str) -> None:
        data = text.encode()
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def begin(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        request_id = new_id("req_")
        self.send_header("request-id", request_id)
        self.send_header("x-request-id", request_id)
        self.send_header("openai-organization", "org-local")
        self.send_header("anthropic-organization-id", "00000000-0000-4000-8000-000000000000")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Serve in this process while the block runs; gives the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    with serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as url:
        print(url, flush=True)
        if sys.argv[2:] == ["--until-stdin-closes"]:  # That is, as long as who started it lives.
            sys.stdin.read()
            os._exit(0)
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
