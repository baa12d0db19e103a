"""A request that was made anew, and what a program that sends it consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Header(NamedTuple):
    """A header: its value, and the variable of the environment whose value is put behind it.

    None of the three is ever a text of a span.
    """

    name: str
    value: str
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """A recorded request, made anew."""

    api: str
    """The wire format, a name of :data:`otelier.web.shown.again.formats.FORMATS`."""
    method: str
    url: str
    headers: tuple[Header, ...]
    body: dict[str, Any]
    """JSON data."""
    missing: tuple[str, ...]
    """What cannot be rebuilt and why, a line each, with texts of the span as they were recorded."""
    base_url: str
    """What the provider's SDK is told."""
    variable: str
    """The variable of the environment that holds the key."""
    model: str
    stream: bool


class Program(NamedTuple):
    """A program by a provider's SDK: the client that it makes and the call that it sends."""

    imports: str
    client: str
    options: dict[str, Any]
    """Of the client, beside the key."""
    call: str
    """The client's method."""
    arguments: dict[str, Any]
    """JSON data, and bytes. The names are never texts of a span."""
