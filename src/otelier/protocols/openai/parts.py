"""The parts of a message's content in OpenAI's dialects.

Wire format: OpenAI API reference, "Create chat completion"; Mistral's API reference, "Chat", for
what is its own (``thinking``, ``document_url``, files and sounds without an object around them).
"""

from __future__ import annotations

from typing import Any

from otelier import wire
from otelier.protocols import Part, blob, located, string, unshaped


def part(value: Any) -> Part:
    """One part, which is text or an object with a type."""
    if isinstance(value, str):
        return {"type": "text", "content": value}
    raw = wire.fields(value)
    kind = raw.get("type")
    if kind in ("text", "input_text", "output_text"):
        return {"type": "text", "content": string(raw.get("text"))}
    if kind == "image_url":
        image = raw.get("image_url")
        return located("image", image if isinstance(image, str) else wire.fields(image).get("url"))
    if kind == "input_audio":
        return _audio(raw.get("input_audio"))
    if kind == "video_url":
        return located("video", wire.fields(raw.get("video_url")).get("url"))
    if kind == "document_url":
        return located("document", raw.get("document_url"))
    if kind == "file":
        file = wire.fields(raw.get("file") or raw)
        if isinstance(file.get("file_data"), str):
            return located("document", file["file_data"])
        return {"type": "file", "modality": "document", "file_id": string(file.get("file_id"))}
    if kind == "refusal":
        return {"type": "refusal", "content": string(raw.get("refusal"))}
    if kind == "thinking":
        return {"type": "reasoning", "content": thought(raw)}
    return unshaped(raw)


def _audio(sound: Any) -> Part:
    if isinstance(sound, str):
        addressed = sound[:5].lower() in ("data:", "http:", "https")
        return located("audio", sound) if addressed else blob("audio", None, sound)
    raw = wire.fields(sound)
    suffix = raw.get("format")
    return blob("audio", f"audio/{suffix}" if suffix else None, string(raw.get("data")))


def thought(raw: Any) -> str:
    """The text of a ``thinking`` part: a list of parts, or the text itself."""
    body = raw.get("thinking")
    if isinstance(body, str):
        return body
    return "".join(string(wire.fields(each).get("text")) for each in wire.items(body))
