"""The text fields of multipart forms, which name the model where a file is sent.

Nothing is consumed: fields are read where the HTTP library keeps them, or in the first and the last
bytes of a body that is there already; files are never looked at. Format: RFC 7578.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import wire
from otelier.expressions import later

_LOOKED_AT: Final = 64 * 1024
_MOST_FIELDS: Final = 64
_LONGEST_BOUNDARY: Final = 80
_NAME: Final = later(rb'[;\s]name="?([A-Za-z0-9_.-]{1,64})"?')
# Values that JSON would not write as text; of names and prompts every value is text.
_TYPED: Final = later(r"true|false|-?\d{1,15}(?:\.\d{1,15})?")
_TEXTS: Final = frozenset({"model", "prompt", "input"})


def is_form(body: Any) -> bool:
    """Whether a body of bytes is a multipart form."""
    return isinstance(body, bytes | bytearray) and bytes(body[:2]) == b"--"


def of_bytes(body: bytes | bytearray) -> dict[str, Any]:
    """The text fields in the first and the last bytes of a form."""
    head, tail = bytes(body[:_LOOKED_AT]), b""
    if len(body) > _LOOKED_AT:
        tail = bytes(body[max(_LOOKED_AT, len(body) - _LOOKED_AT) :])
    boundary, _, _ = head[:_LONGEST_BOUNDARY].partition(b"\r\n")
    if len(boundary) >= _LONGEST_BOUNDARY:
        return {}
    # What begins or ends in the middle is left out.
    parts = [*head.split(boundary)[1:-1], *tail.split(boundary)[1:-1]]
    return _typed(_part(part) for part in parts)


def _part(part: bytes) -> tuple[Any, Any]:
    headers, _, value = part.partition(b"\r\n\r\n")
    named = _NAME.search(headers)
    if named is None or b"filename" in headers.lower():
        return None, None
    return named[1].decode("ascii"), value.removesuffix(b"\r\n")


def of_stream(stream: Any) -> dict[str, Any]:
    """The text fields of a form that httpx is about to send."""
    fields = wire.items(getattr(stream, "__dict__", {}).get("fields"))
    members = (getattr(field, "__dict__", {}) for field in fields)
    return _typed((each.get("name"), each.get("value")) for each in members)


def of_data(data: Any) -> dict[str, Any]:
    """The text fields of what aiohttp is given: a dict, or a ``FormData``."""
    if type(data) is dict:
        return _typed(list(data.items()))
    fields = wire.items(getattr(data, "__dict__", {}).get("_fields"))
    return _typed(
        (options.get("name"), value)
        for options, _, value in (each for each in fields if len(each) == 3)
        if "filename" not in options
    )


def _typed(fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _texts(fields):
        typed = name not in _TEXTS and _TYPED.fullmatch(value)
        found.setdefault(name, wire.parsed(value) if typed else value)
        if len(found) >= _MOST_FIELDS:
            break
    return found


def _texts(fields: Any) -> Iterator[tuple[str, str]]:
    for name, value in fields:
        if type(name) is not str or len(name) > _LOOKED_AT:
            continue
        if type(value) is bytes and len(value) <= _LOOKED_AT:
            yield name, value.decode("utf-8", "replace")
        elif type(value) is str and len(value) <= _LOOKED_AT:
            yield name, value
        elif type(value) in (int, float):
            yield name, str(value)
