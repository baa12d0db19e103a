"""The default answers of Anthropic, also as Bedrock, Vertex AI and Foundry serve it."""

from __future__ import annotations

import json
import re
import urllib.parse

from . import anthropic_wire as wire
from .eventstream import EVENTSTREAM_TYPE, chunk_frame
from .openai_chat import TEXT, JsonDict
from .replies import Chunked, Json, Raw, Recorded, Reply, Sse
from .schema import example_of


class AnthropicRoutes:
    """Answers without keeping anything."""

    def answer(self, request: Recorded, family: str) -> Reply:
        """The reply for one request."""
        path = request.route
        if family == "bedrock":
            return _bedrock(request)
        if family == "vertex":
            return _vertex(request)
        if path.endswith("/messages"):
            body = request.json()
            return _sent(wire_message(body, body.get("model") or wire.CLAUDE), body)
        if path.endswith("/messages/count_tokens"):
            return Json(wire.token_count())
        if path.endswith("/complete"):
            return _complete(request)
        if "/messages/batches" in path:
            return _batches(request)
        if path.endswith("/models"):
            model = wire.claude_model()
            ends = {"first_id": model["id"], "last_id": model["id"]}
            return Json({"data": [model], "has_more": False, **ends})
        if "/models/" in path:
            return Json(wire.claude_model(path.rpartition("/")[2]))
        return Json(wire.anthropic_error("not_found_error", "Not found"), status=404)


def wire_message(body: JsonDict, model: str, id: str = wire.MESSAGE_ID) -> JsonDict:
    """The message that answers a request."""
    blocks: list[JsonDict] = []
    thinking = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    tools = body.get("tools") or []
    own = [tool for tool in tools if isinstance(tool.get("input_schema"), dict)]
    searches = any(str(tool.get("type")).startswith("web_search") for tool in tools)
    choice = body.get("tool_choice") or {}
    if thinking:
        blocks.append(wire.thinking_block())
    if own and choice.get("type") != "none" and not _has_result(body):
        tool = next((tool for tool in own if tool["name"] == choice.get("name")), own[0])
        blocks.append(wire.tool_use_block(tool["name"], example_of(tool["input_schema"])))
    elif searches:
        blocks += wire.web_search_blocks()
    else:
        blocks.append(wire.text_block(_text(body)))
    usage = wire.message_usage(
        thinking=4 if thinking else None, web_searches=1 if searches else None
    )
    return wire.message(*blocks, model=model, usage=usage, id=id)


def _text(body: JsonDict) -> str:
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return json.dumps(example_of(form.get("schema"))) if form.get("schema") else TEXT


def _has_result(body: JsonDict) -> bool:
    contents = [message.get("content") for message in body.get("messages") or ()]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(isinstance(b, dict) and b.get("type") == "tool_result" for b in blocks)


def _sent(message: JsonDict, body: JsonDict) -> Reply:
    if body.get("stream"):
        return Sse(wire.message_events(message), done=None, named=True)
    return Json(message)


def _bedrock(request: Recorded) -> Reply:
    _, _, model, *_, action = urllib.parse.unquote(request.route).split("/")
    found = re.search(r"anthropic\.(.+?)(-v\d+(:\d+)?)?$", model)
    message = wire_message(request.json(), found[1] if found else model, "msg_bdrk_local_1")
    if action == "invoke-with-response-stream":
        frames = [chunk_frame(event) for event in wire.bedrock_events(message)]
        return Chunked(frames, EVENTSTREAM_TYPE)
    counts = {
        "x-amzn-bedrock-input-token-count": str(message["usage"]["input_tokens"]),
        "x-amzn-bedrock-output-token-count": str(message["usage"]["output_tokens"]),
        "x-amzn-bedrock-invocation-latency": "5",
    }
    return Json(message, headers=counts)


def _vertex(request: Recorded) -> Reply:
    model = urllib.parse.unquote(request.route).rpartition("/")[2].partition(":")[0]
    if model == "count-tokens":
        return Json(wire.token_count())
    body = request.json()
    return _sent(wire_message(body, model.replace("@", "-"), "msg_vrtx_local_1"), body)


def _complete(request: Recorded) -> Reply:
    body = request.json()
    model = body.get("model") or "claude-2.1"
    if body.get("stream"):
        return Sse(wire.text_completion_events(model=model), done=None, named=True)
    return Json(wire.text_completion(model=model))


def _batches(request: Recorded) -> Reply:
    path = request.route
    if path.endswith("/results"):
        return Raw(wire.batch_results(), "application/x-jsonl")
    if path.endswith("/cancel"):
        return Json(wire.message_batch("canceling"))
    if not path.endswith("/batches"):
        if request.method == "DELETE":
            return Json({"id": path.rpartition("/")[2], "type": "message_batch_deleted"})
        url = f"http://{request.header('host')}{path}/results"
        return Json(wire.message_batch("ended", results_url=url))
    if request.method == "GET":
        one = wire.message_batch()
        ends = {"first_id": one["id"], "last_id": one["id"]}
        return Json({"data": [one], "has_more": False, **ends})
    return Json(wire.message_batch())
