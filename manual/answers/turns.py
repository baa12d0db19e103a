"""A model of OpenAI's that answers turn by turn, by whichever of its APIs it is asked.

For pages of frameworks, which ask it by chat completions or responses, streamed or whole.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_chat import (
    chat_chunks,
    chat_completion,
    chat_message,
    chat_usage,
    tool_call,
)
from tests.servers.openai_media import embeddings
from tests.servers.openai_responses import (
    function_call_item,
    message_item,
    response_events,
    response_object,
    response_usage,
)
from tests.servers.replies import Recorded, Reply

# Counting tokens needs a table from the network, which is not there.
UNTOLD: Final = """
try:
    import tiktoken
except ImportError:
    pass
else:
    class Bytes:
        def encode(self, text, **_):
            return list(text.encode())

        encode_ordinary = encode

        def decode(self, tokens):
            return bytes(tokens).decode()

    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: Bytes()
"""


@dataclass(frozen=True)
class Turn:
    """What the model says once: a text, or calls of functions; and what it takes."""

    text: str | None
    calls: tuple[tuple[str, dict[str, Any]], ...]
    tokens: tuple[int, int]
    cached: int = 0


def says(text: str, read: int, wrote: int, *, cached: int = 0) -> Turn:
    """A text, for so many tokens."""
    return Turn(text, (), (read, wrote), cached)


def calls(name: str, arguments: dict[str, Any], read: int, wrote: int, *, cached: int = 0) -> Turn:
    """A call of a function, for so many tokens."""
    return Turn(None, ((name, arguments),), (read, wrote), cached)


def play(server: ProviderServer, *turns: Turn, model: str) -> dict[str, str]:
    """Answer with these, one after the other; the variables by which OpenAI's SDK finds it."""
    left = deque(enumerate(turns, 1))

    def answer(request: Recorded) -> Reply:
        number, turn = left.popleft()
        by_responses = request.route.endswith("/responses")
        return (_response if by_responses else _chat)(request.json(), number, turn, model)

    server.route("/chat/completions", answer)
    server.route("/responses", answer)
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OTELIER_PROVIDER_HOSTS": "127.0.0.1=openai",
    }


def embeds(server: ProviderServer, *tokens: int, dimensions: int = 8) -> None:
    """Answer requests for embeddings, for so many tokens each."""
    left = deque(tokens)

    def answer(request: Recorded) -> Reply:
        body = request.json()
        given = body["input"]
        several = isinstance(given, list) and not isinstance(given[0], int)
        return Json(
            embeddings(
                len(given) if several else 1,
                model=body["model"],
                dimensions=dimensions,
                base64_encoded=body.get("encoding_format") == "base64",
                tokens=left.popleft(),
            )
        )

    server.route("/embeddings", answer)


def _chat(body: dict[str, Any], number: int, turn: Turn, model: str) -> Reply:
    called = [
        tool_call(name, arguments, id=f"call_{number}{at}")
        for at, (name, arguments) in enumerate(turn.calls)
    ]
    message = chat_message(turn.text, tool_calls=called)
    usage = chat_usage(*turn.tokens, cached=turn.cached)
    key = f"chatcmpl-{number}"
    if not body.get("stream"):
        return Json(chat_completion(message, model=model, usage=usage, id=key))
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    return Sse(chat_chunks(message, model=model, usage=usage, include_usage=asked, id=key))


def _response(body: dict[str, Any], number: int, turn: Turn, model: str) -> Reply:
    items = [
        function_call_item(name, arguments, id=f"fc_{number}{at}", call_id=f"call_{number}{at}")
        for at, (name, arguments) in enumerate(turn.calls)
    ]
    if turn.text is not None:
        items.append(message_item(turn.text, id=f"msg_{number}"))
    usage = response_usage(*turn.tokens, cached=turn.cached)
    whole = response_object(*items, model=model, usage=usage, id=f"resp_{number}")
    if not body.get("stream"):
        return Json(whole)
    return Sse(response_events(whole), done=None, named=True)


# What pages of several frameworks show: an agent that looks at the weather.
WEATHER: Final = """
agent weather
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ tool get_weather
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def weather(server: ProviderServer, asked: int = 71, answered: int = 103) -> dict[str, str]:
    """Play it; with so many tokens of input in the first and in the second call."""
    return play(
        server,
        calls("get_weather", {"city": "Paris"}, asked, 15),
        says("It is 18 °C and sunny in Paris.", answered, 13),
        model="gpt-6-luna-2026-09-17",
    )
