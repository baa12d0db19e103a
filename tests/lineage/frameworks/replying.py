"""A model that answers by rule: what it says to the body of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.servers import Json, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, tool_call
from tests.servers.replies import Recorded, Reply

Say = Callable[[dict[str, Any]], dict[str, Any]]


def saying(say: Say) -> Callable[[Recorded], Reply]:
    """Answers chat completions, streamed or not."""

    def answer(request: Recorded) -> Reply:
        body = request.json()
        message = say(body)
        if body.get("stream"):
            asked = bool((body.get("stream_options") or {}).get("include_usage"))
            return Sse(chat_chunks(message, include_usage=asked))
        return Json(chat_completion(message))

    return answer


def uses(name: str, *arguments: dict[str, Any], then: str = "It is sunny.") -> Say:
    """Asks for a tool first, once for each of the arguments; answers when it has the results."""

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return chat_message(then)
        calls = [tool_call(name, each, id=f"call_{at}") for at, each in enumerate(arguments)]
        return chat_message(tool_calls=calls)

    return say
