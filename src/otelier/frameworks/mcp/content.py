"""What a request asks and what it is answered, for a span."""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, statics, values, wire
from otelier.blobs import Part
from otelier.content import Policy
from otelier.semconv import Attributes

CALL_TOOL: Final = "tools/call"
GET_PROMPT: Final = "prompts/get"
_PYDANTIC: Final = frozenset({"pydantic", "pydantic_core"})
_SCHEMES: Final = ("http:", "https:")
# By the field that has the base64 text of a block.
_MODALITIES: Final = {"image": "image", "audio": "audio"}


def address(uri: Any) -> str | None:
    """A resource's URI; of a URL without who asks and what is asked for."""
    # Of version 1 an object of pydantic's, which is a text or tells it.
    if not issubclass(type(uri), str):
        if not statics.made_by(type(uri), _PYDANTIC):
            return None
        uri = str(uri)
    text: str = str.__str__(uri)
    head, mark, rest = text.partition("//")
    if not mark:
        return text or None
    place, slash, path = rest.partition("/")
    place = place.rpartition("@")[2]
    if head.lower() in _SCHEMES:
        path = path.partition("?")[0].partition("#")[0]
        place = place.partition("?")[0].partition("#")[0]
    return f"{head}//{place}{slash}{path}"


def variables(arguments: Any, policy: Policy) -> Attributes:
    """The arguments of a prompt."""
    found: Attributes = {}
    for name, value in wire.fields(arguments).items():
        policy.text(f"{semconv.PROMPT_VARIABLE}{name}", values.words(value), found)
    return found


def failed(result: Any) -> bool:
    """Whether a tool says of its own result that it is an error."""
    told = wire.fields(result)
    return told.get("isError") is True or told.get("is_error") is True


def text(result: Any) -> str | None:
    """The texts of a tool's result."""
    blocks = map(wire.fields, wire.items(wire.fields(result).get("content")))
    texts = [wire.text(block.get("text")) for block in blocks]
    return "\n".join(each for each in texts if each) or None


def result(given: Any, policy: Policy) -> Any:
    """A tool's result, as a value; None where it has none yet."""
    told = wire.fields(given)
    blocks = wire.items(told.get("content"))
    if all(wire.fields(block).get("type") == "text" for block in blocks):
        structured = told.get("structuredContent") or told.get("structured_content")
        if structured is not None:
            return structured
        if len(blocks) == 1:
            return wire.fields(blocks[0]).get("text")
    return [_block(block, policy) for block in blocks] if blocks else None


def _block(block: Any, policy: Policy) -> Any:
    """One block: images, audio and files as the policy has them."""
    told = wire.fields(block)
    kind = told.get("type")
    if kind == "resource":
        inner = wire.fields(told.get("resource"))
        uri = address(inner.get("uri"))
        if isinstance(inner.get("blob"), str):
            return {"uri": uri, **_blob("file", inner, inner["blob"], policy)}
        return {"type": "resource", "uri": uri, "text": inner.get("text")}
    if kind in _MODALITIES and isinstance(told.get("data"), str):
        return _blob(_MODALITIES[kind], told, told["data"], policy)
    shown = {name: value for name, value in told.items() if value is not None}
    if "uri" in shown:
        shown["uri"] = address(shown["uri"])
    return shown


def _blob(modality: str, told: wire.Wire, data: str, policy: Policy) -> Part:
    media = told.get("mimeType") or told.get("mime_type")
    part = {"type": "blob", "modality": modality, "mime_type": media, "content": data}
    shown: Part = policy.blob(part)
    return shown
