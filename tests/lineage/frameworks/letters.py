"""Three documents, and embeddings that count letters: what is near is what looks alike."""

from __future__ import annotations

import json
import uuid
from typing import Any, Final

from tests.servers import Json, ProviderServer
from tests.servers.replies import Recorded
from tests.telemetry import Telemetry

WORDS: Final = ("cab", "bed", "head")
IDS: Final = tuple(str(uuid.UUID(int=number)) for number in range(1, 4))


def vector(text: str) -> list[float]:
    """How often each letter is there."""
    return [text.count(letter) + 0.1 for letter in "abcdefgh"]


def embeds(server: ProviderServer) -> None:
    """The provider's embeddings are these."""

    def answer(request: Recorded) -> Json:
        given = request.json()["input"]
        texts = given if isinstance(given, list) else [given]
        data = [
            {"object": "embedding", "index": at, "embedding": vector(text)}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 2, "total_tokens": 2}
        return Json({"object": "list", "data": data, "model": "letters", "usage": usage})

    server.route("/embeddings", answer)


def told(span: Any) -> tuple[Any, Any]:
    """What a retrieval was asked: the query, and how many documents."""
    held = span.attributes or {}
    return held.get("gen_ai.retrieval.query.text"), held.get("gen_ai.retrieval.top_k")


def documents(span: Any) -> list[dict[str, Any]]:
    """What a retrieval has found."""
    found = json.loads((span.attributes or {})["gen_ai.retrieval.documents"])
    assert isinstance(found, list)
    return found


def searches(telemetry: Telemetry) -> list[Any]:
    """The retrievals, in the order of their starts."""
    return sorted(telemetry.spans("retrieval"), key=lambda span: span.start_time or 0)
