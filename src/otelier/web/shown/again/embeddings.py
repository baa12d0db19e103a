"""OpenAI embeddings, made anew but for the texts, which no span has.

Wire format: OpenAI API reference, "Create embeddings".
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv
from otelier.viewer.facts import count, texts
from otelier.web.shown.again import openai_sdk
from otelier.web.shown.again.asked import Asked
from otelier.web.shown.again.made import Again, Program

PATH: Final = "/embeddings"
UNRECORDED: Final = "user"


def body(asked: Asked) -> dict[str, Any]:
    """The request's JSON, with an empty text as its input."""
    number = count(asked.attributes, semconv.EMBEDDINGS_INPUTS)
    told = "" if number is None else f", it was {number:,} text{'s' if number != 1 else ''}"
    asked.notes.add(f"input is not recorded{told}: an empty text stands in its place")
    found: dict[str, Any] = {"model": asked.model, "input": ""}
    formats = texts(asked.attributes, semconv.REQUEST_ENCODING_FORMATS)
    if formats:
        found["encoding_format"] = formats[0]
    dimensions = count(asked.attributes, semconv.EMBEDDINGS_DIMENSIONS)
    if dimensions is not None and formats[:1] == ("base64",):
        # Of vectors as numbers the answer tells it, too; of these only the request.
        found["dimensions"] = dimensions
    elif dimensions is not None:
        asked.notes.add(
            "whether dimensions was set is not recorded, vectors have this many", f"{dimensions:,}"
        )
    return found


def program(again: Again) -> Program:
    """The call by the SDK ``openai``."""
    return openai_sdk.program(again, "client.embeddings.create")
