"""What the texts of settings mean. A text that is not understood raises :class:`InvalidError`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final

from otelier import semconv
from otelier.expressions import later

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})
_GENERATIONS: Final = {
    semconv.COMPAT: "",
    semconv.LATEST: "gen_ai_latest_experimental",
    semconv.DUPLICATE: "gen_ai_latest_experimental/dup",
}
# host, host:port, *.domain, *.domain:port, [IPv6], [IPv6]:port.
_LISTED: Final = later(
    r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?"
)


class Capture(Enum):
    """Where the content of messages, tools and retrievals goes."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"

    # Whether spans, and events, carry content. Asked of every call: no properties.
    spans: bool
    events: bool

    def __init__(self, text: str) -> None:
        self.spans = text.startswith("SPAN")
        self.events = "EVENT" in text


class Blobs(Enum):
    """What stands for an image, a sound or a file in recorded content."""

    HASH = "hash"
    INLINE = "inline"
    UPLOAD = "upload"


class Age(int):
    """Seconds, as a value of their own: a number alone is no age."""

    def __str__(self) -> str:
        return f"{int(self)}s" if self else "off"


class InvalidError(ValueError):
    """A setting's text that its reader does not understand."""


def of(value: object) -> str:
    """The text of a value that code gives. Raises InvalidError where it is of no such kind."""
    kind = type(value)
    if issubclass(kind, str):
        return str(value).strip()
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is Age:
        return str(value)
    if isinstance(value, Capture | Blobs):
        return str(value.value)
    if isinstance(value, semconv.Generation):
        return _GENERATIONS[value]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, Collection):
        return ",".join(str(each) for each in value)
    raise InvalidError("a text, or a value of the kind that the documentation names")


def flag(text: str) -> bool:
    """A switch. Raises InvalidError where ``text`` is none."""
    lowered = text.lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise InvalidError("true or false")


def all_or_none(text: str) -> bool:
    """Whether all of them: a word, or the switch that code gives. Raises InvalidError else."""
    lowered = text.lower()
    # From code it is a flag.
    if lowered == "all" or lowered in TRUE:
        return True
    if lowered == "none" or lowered in FALSE:
        return False
    raise InvalidError("all or none")


def size(text: str) -> int:
    """A number of bytes. Raises InvalidError where ``text`` is none."""
    number = _number(text, _BYTES)
    if number is None or number < 256:
        raise InvalidError("a number of bytes of at least 256, such as 65536 or 64k")
    return number


def size_or_off(text: str) -> int:
    """A number of bytes; 0 for off. Raises InvalidError where ``text`` is none."""
    if text.lower() in FALSE:
        return 0
    try:
        return max(size(text), 16_384)
    except InvalidError as wanted:
        raise InvalidError(f"{wanted}, or off") from None


def store_size(text: str) -> int:
    """Bytes of a store; 0 for off. Raises InvalidError where ``text`` is none."""
    if text.lower() in FALSE:
        return 0
    number = _number(text, _BYTES)
    if number is None or number < 1 << 20:
        raise InvalidError("a number of bytes of at least 1m, such as 512m or 8g, or off")
    return number


def age(text: str) -> Age:
    """An age in seconds; 0 for off. Raises InvalidError where ``text`` is none."""
    if text.lower() in FALSE:
        return Age(0)
    number = _number(text, _SECONDS)
    if not number or text.isdecimal():
        raise InvalidError("an age such as 30d, 12h or 8w, or off")
    return Age(number)


_BYTES: Final = {
    "": 1,
    **dict.fromkeys(("k", "kb", "kib"), 1 << 10),
    **dict.fromkeys(("m", "mb", "mib"), 1 << 20),
    **dict.fromkeys(("g", "gb", "gib"), 1 << 30),
}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def _number(text: str, units: Mapping[str, int]) -> int | None:
    """A whole number with its unit, in the smallest one; None where it is none."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits) :].strip().lower()
    return int(digits) * units[unit] if digits.isdecimal() and unit in units else None


def names(text: str) -> frozenset[str]:
    """A list of names, in lower case."""
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


def text(text: str) -> str:
    """Any text."""
    return text


def capture(text: str) -> Capture:
    """Where content goes. Raises InvalidError where ``text`` is none."""
    lowered = text.lower()
    if lowered in TRUE:
        return Capture.SPAN_ONLY
    if lowered in FALSE:
        return Capture.NO_CONTENT
    try:
        return Capture[text.upper()]
    except KeyError:
        raise InvalidError(
            "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, true or false"
        ) from None


def blobs(text: str) -> Blobs:
    """What stands for a blob. Raises InvalidError where ``text`` is none."""
    try:
        return Blobs(text.lower())
    except ValueError:
        raise InvalidError("hash, inline or upload") from None


def generation(text: str) -> semconv.Generation:
    """Which names are written."""
    # The variable is shared by all conventions: words of other domains are not ours to judge.
    words = names(text)
    if "gen_ai_latest_experimental/dup" in words:
        return semconv.DUPLICATE
    return semconv.LATEST if "gen_ai_latest_experimental" in words else semconv.COMPAT


def tools(text: str) -> bool:
    """Whether tool definitions are whole. Raises InvalidError where ``text`` is none."""
    if text.lower() in ("full", "names"):
        return text.lower() == "full"
    if text in ("true", "false"):  # What code that has a switch for it gives.
        return text == "true"
    raise InvalidError("full or names")


def aliases(text: str) -> frozenset[str]:
    """Further names of the cost. Raises InvalidError where ``text`` is none."""
    found = names(text)
    if found - semconv.COST_ALIASES.keys():
        raise InvalidError("a list of " + ", ".join(semconv.COST_ALIASES))
    return found


def compat(text: str) -> frozenset[str]:
    """Whose names are written as well. Raises InvalidError where ``text`` is none."""
    found = names(text)
    if found - {"openinference"}:
        raise InvalidError("a list of openinference")
    return found


def hosts(text: str) -> Mapping[str, str]:
    """Providers by host. Raises InvalidError where ``text`` is none."""
    pairs = {}
    for part in text.split(","):
        if part.strip():
            host, equals, provider = part.partition("=")
            if not equals or not host.strip() or not provider.strip():
                raise InvalidError("a list of host=provider or host:port=provider")
            pairs[host.strip().lower()] = provider.strip()
    return pairs


def listed_hosts(text: str) -> frozenset[str]:
    """Hosts as they are listed. Raises InvalidError where ``text`` is no list of hosts."""
    found = names(text)
    if not all(_LISTED.fullmatch(name) for name in found):
        raise InvalidError("a list of host, host:port or *.domain")
    return found
