"""Secrets in data: in JSON text values go by their keys' names, strings only.

Only strings are touched, by cutting them out of the text: numbers, their form, white space and the
order of members stay as they are, and JSON stays JSON. JSON inside of a string is read in the same
way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from otelier import wire
from otelier.expressions import later
from otelier.redaction import candidates, judge, names, scanner, values
from otelier.redaction.judge import MARK, Span
from otelier.redaction.names import Kind
from otelier.redaction.patterns import Pattern
from otelier.redaction.signs import Place

# Each level doubles the backslashes before a quote: no text that is kept has more of them.
_DEEPEST: Final = 24
_LONGEST_NAME: Final = 100
_MOST_NESTED: Final = 8
_MARKED: Final = b'"' + MARK + b'"'
_STRING: Final = later(rb'"[^"\\]*(?:\\.[^"\\]*)*+"', re.DOTALL)
_TOKEN: Final = later(rb'"[^"\\]*(?:\\.[^"\\]*)*+"|[{}\[\]]', re.DOTALL)
_COLON: Final = later(rb"\s*:\s*")
# Of what a name that is a value itself stands for: `["password", "…"]`, `{"name": "password", …}`.
_TEXT: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*+"'
_PAIR: Final = later(rb"\s*,\s*(?P<value>" + _TEXT + rb")\s*\]", re.DOTALL)
_PAIR_BEFORE: Final = later(rb"\[\s{0,32}\Z")
_NAME_BEFORE: Final = later(rb'"(?:name|key|header)"\s{0,8}:\s{0,8}\Z', re.IGNORECASE)
_VALUE_AFTER: Final = later(
    rb'(?:\s{0,32},\s{0,32}"(?!value")\w{1,32}"\s{0,8}:\s{0,8}(?:"[^"\\]{0,256}"|[\w.+-]{1,32})){0,4}'
    rb'\s{0,32},\s{0,32}"value"\s{0,8}:\s{0,8}(?P<value>' + _TEXT + rb")",
    re.DOTALL | re.IGNORECASE,
)
_VALUE_BEFORE: Final = later(
    rb'"value"\s{0,8}:\s{0,8}(?P<value>"(?:[^"\\]|\\.){0,1024}")\s{0,32},\s{0,32}'
    rb'"(?:name|key|header)"\s{0,8}:\s{0,8}\Z',
    re.DOTALL | re.IGNORECASE,
)
# What JSON schemas have where data has values.
_TYPES: Final = frozenset(["string", "number", "integer", "boolean", "object", "array", "null"])
_SCHEMES: Final = frozenset(["apikey", "http", "oauth2", "openidconnect", "mutualtls"])
_SCHEMA: Final = frozenset(["$ref", "anyOf", "oneOf", "allOf", "enum", "properties", "shape"])
_GIVEN: Final = frozenset(("default", "const", "example", "examples"))


class Rules:
    """What is a secret for this user: the built-in rules, own patterns, names to keep."""

    __slots__ = ("keep", "patterns")

    def __init__(
        self, patterns: tuple[Pattern, ...] = (), keep: frozenset[str] = frozenset()
    ) -> None:
        self.patterns = patterns
        self.keep = names.kept(keep)

    def text(self, data: bytes) -> bytes:
        """UTF-8 text without secrets: ``data`` itself where there are none."""
        return self._text(data, _DEEPEST)

    def leaves(self, texts: Sequence[str]) -> bool:
        """Whether all these texts stay as they are, as nearly all do: those are not even copied."""
        for text in texts if self.patterns else scanner.suspicious(texts):
            data = text.encode("utf-8", "replace")
            if self._text(data, _DEEPEST, candidates.search(data)) is not data:
                return False
        return True

    def json(self, data: bytes) -> bytes:
        """Valid JSON text without secrets, valid again: ``data`` itself where there are none."""
        return self._json(data, _DEEPEST)

    def member(self, name: str, value: str) -> str:
        """A text of the given name without secrets: nothing of it where the name is a secret's."""
        raw = value.encode("utf-8", "replace")
        kind = self._kind(name)
        if kind is not Kind.NONE and _secret(raw, kind):
            return MARK.decode()
        return self.text(raw).decode("utf-8", "replace")

    def _kind(self, name: str) -> Kind:
        kind = names.kind(name)
        return Kind.NONE if kind and names.normalised(name) in self.keep else kind

    def _text(self, data: bytes, depth: int, places: list[Place] | None = None) -> bytes:
        if places is None:
            places = candidates.find(data)
        if not places and not self.patterns:
            return data
        if depth and data[:256].lstrip()[:1] in (b"{", b"["):
            try:
                wire.loads(data)
            except (ValueError, RecursionError):
                pass
            else:
                return self._json(data, depth - 1, places)
        found = judge.secrets(data, places, self.keep) if places else []
        if found:
            data = judge.replaced(data, found)
        for pattern in self.patterns:
            data = pattern.replaced(data)
        return data

    def _json(self, data: bytes, depth: int, places: list[Place] | None = None) -> bytes:
        if places is None:
            places = candidates.find(data)
        pieces: list[bytes] = []
        copied = 0
        looked = 0
        # Schemas inside of schemas are read again for each; who nests them without end gets marks.
        left = [_MOST_NESTED * len(data)]
        marks = [at for at, _ in places]
        if self.patterns:
            marks = [match.start() + 1 for match in _STRING.finditer(data)]
        quotes = _quotes(data)
        for at in marks:
            if at < looked:
                continue
            start = quotes.rfind(b'"', 0, at)
            end = quotes.find(b'"', at) + 1
            if start < 0 or not end:
                continue
            looked = end
            colon = _COLON.match(data, looked)
            if colon is None:
                beside = self._beside(data, start, looked)
                if beside is not None and beside[0] >= copied:
                    edits = [(*beside, _MARKED)]
                    looked = max(looked, beside[1])
                else:
                    edits = self._string(data, start, looked, depth)
            else:
                # A name may be a secret itself, as of who is known by a key.
                edits = self._string(data, start, looked, depth)
                given, looked = self._member(data, start, looked, colon.end(), left)
                edits += given
            for first, last, new in edits:
                pieces += (data[copied:first], new)
                copied = last
        if not pieces:
            return data
        pieces.append(data[copied:])
        return b"".join(pieces)

    def _string(
        self, data: bytes, start: int, end: int, depth: int
    ) -> list[tuple[int, int, bytes]]:
        literal = data[start:end]
        inner = _decoded(literal)
        raw = inner.encode("utf-8", "surrogatepass")
        clean = self._text(raw, depth)
        if clean is raw or clean == raw:
            return []
        return [(start, end, _encoded(clean, literal))]

    def _beside(self, data: bytes, start: int, end: int) -> Span | None:
        """The secret whose name the string there is, as the value of another member or a pair."""
        if end - start > _LONGEST_NAME:
            return None
        if data[end : end + 1].isspace() or data[end : end + 1] in b",}":
            kind = self._kind(_decoded(data[start:end]))
            if kind is Kind.NONE:
                return None
            match = None
            if _NAME_BEFORE.search(data, max(start - 40, 0), start) is not None:
                match = _VALUE_AFTER.match(data, end) or _VALUE_BEFORE.search(
                    data, max(start - 1200, 0), start
                )
                sure = True
            elif _PAIR_BEFORE.search(data, max(start - 33, 0), start) is not None:
                match = _PAIR.match(data, end)
                sure = False
            if match is not None:
                value = _decoded(match["value"]).encode("utf-8", "replace")
                # Two words may be two names.
                likely = sure or values.mixed(value)
                if likely and not names.told(value) and _secret(value, kind):
                    return match.span("value")
        return None

    def _member(
        self, data: bytes, start: int, end: int, value: int, left: list[int]
    ) -> tuple[list[tuple[int, int, bytes]], int]:
        """What to change of the member whose key is there, and where it has been looked at to."""
        name = _decoded(data[start:end])
        kind = self._kind(name)
        if kind is Kind.NONE:
            return [], end
        first = data[value : value + 1]
        if first == b'"':
            string = _STRING.match(data, value)
            if string is not None and _secret(_decoded(string[0]).encode("utf-8", "replace"), kind):
                return [(value, string.end(), _MARKED)], string.end()
        elif first in (b"{", b"[") and kind is not Kind.WEAK and names.exact(name):
            last, given, strings = _container(data, value)
            left[0] -= last - value
            if left[0] < 0 or not _is_schema(data[value:last]):
                return [(*span, _MARKED) for span in strings], last
            return [(*span, _MARKED) for span in given], max(end, *(s[1] for s in given), end)
        return [], end


def _quotes(data: bytes) -> bytes:
    """JSON of the same length, in which quotes are where strings begin and end alone."""
    return data.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in data else data


def _decoded(literal: bytes) -> str:
    if b"\\" not in literal:
        return literal[1:-1].decode("utf-8", "replace")
    return str(json.loads(literal, strict=False))


def _encoded(clean: bytes, literal: bytes) -> bytes:
    text = clean.decode("utf-8", "surrogatepass")
    if literal.isascii():
        return json.dumps(text).encode()
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode()


def _secret(value: bytes, kind: Kind) -> bool:
    value = values.whole(value)
    if values.nothing(value):
        return False
    if kind is Kind.WEAK:
        return values.token(value)
    return kind is Kind.PASSWORD or not values.placed(value)


def _container(data: bytes, start: int) -> tuple[int, list[Span], list[Span]]:
    """The end of the array or object at ``start``, the strings that a schema gives, and all."""
    depth = 0
    given: list[Span] = []
    strings: list[Span] = []
    name = b""
    for token in _TOKEN.finditer(data, start):
        text = token[0]
        if text in b"{[":
            depth += 1
        elif text in b"}]":
            depth -= 1
            if not depth:
                return token.end(), given, strings
        elif _COLON.match(data, token.end()):
            name = text if depth == 1 else name
        elif not values.nothing(values.whole(_decoded(text).encode("utf-8", "replace"))):
            strings.append(token.span())
            if name[1:-1].decode("utf-8", "replace") in _GIVEN:
                given.append(token.span())
    return len(data), given, strings


def _is_schema(data: bytes) -> bool:
    try:
        found: Any = wire.loads(data)
    except (ValueError, RecursionError):
        return False
    if type(found) is not dict:
        return False
    kind = found.get("type")
    if isinstance(kind, list):
        return bool(kind) and all(isinstance(each, str) and each in _TYPES for each in kind)
    return (isinstance(kind, str) and kind.lower() in _TYPES | _SCHEMES) or not _SCHEMA.isdisjoint(
        found
    )
