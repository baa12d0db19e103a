"""What stands after a telling name in free text: ``password: hunter2``, ``my API key is …``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from otelier.expressions import later
from otelier.redaction import names, values
from otelier.redaction.bare import Named, bare, prose
from otelier.redaction.names import Kind

_NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_ESCAPE: Final = later(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})\Z")
# The rest of a name, what closes it, and what joins it to a value.
_AFTER: Final = later(
    rb"(?P<rest>[\w-]{0,40})(?P<shut>(?!'s\s)\\{0,31}[\"'`]\]?|\*\*|\])?(?P<gap>\s{0,8})"
    rb"(?:(?P<join>:\*\*|=>|:=|={1,3}|[:>]|(?:(?:is|was|are)\b|(?<=\w)'s\b)(?P<told>\s{0,2}:)?)"
    rb"(?P<space>\s{0,8}))?",
    re.IGNORECASE,
)
_BEFORE: Final = later(rb"([A-Za-z]{2,12})[ _-]\Z")
_TYPED: Final = later(
    rb"[A-Za-z_*&][\w.\[\]*]{0,40}(?: \| None)?\s{0,4}:?=\s{0,4}(?=[fbruFBRU]{0,2}[\"'`])"
)
_SCHEME: Final = later(
    rb"(?:bearer|basic|token|api-?key|bot|digest|negotiate)[ \t]{1,4}", re.IGNORECASE
)
_OPEN: Final = later(rb"[fbruFBRU]{0,2}(?P<quote>\"\"\"|'''|\\{0,31}[\"'`])")
_CLOSED: Final = {
    b'"': later(rb'[^"\\\n]*(?:\\.[^"\\\n]*)*+'),
    b"'": later(rb"[^'\\\n]*(?:\\.[^'\\\n]*)*+"),
    b"`": later(rb"[^`\\\n]*(?:\\.[^`\\\n]*)*+"),
    b'"""': later(rb'[^"]*+'),
    b"'''": later(rb"[^']*+"),
}
# JSON inside of JSON: an embedded quote has more backslashes than the closing one.
_ESCAPED: Final = later(
    rb"(?P<quote>\\{1,31}[\"'`])(?P<value>(?:[^\"\\]|\\.){1,8192}?)(?<!\\)(?P=quote)", re.DOTALL
)
_ESCAPED_CUT: Final = later(rb"[^\"\\]*(?:\\.[^\"\\]*)*+", re.DOTALL)
_COOKIES: Final = later(rb"[^\s=;:\"'\\]{1,128}=[^\n\"'\\]{1,8192}")
_ELEMENT: Final = later(rb"[^\s<>{}$]{3,512}(?=</)")
# What a string that ends here is followed by, in code that joins strings.
_JOINED: Final = later(rb"\s*(?:[+.,;)\]}%|&:<>/]|\Z)")
_CONCATENATED: Final = later(rb"[\"'`]\s{0,4}(?:[+.%,&|]|\)\s*%)\s")
# A pair of two texts; a name that is the value of another, `- name: DB_PASSWORD`, `value: …`.
_PAIR: Final = later(
    rb"\s{0,8},\s{0,8}(?P<quote>[\"'])(?P<value>[^\"'\\\n]{3,512})(?P=quote)\s{0,8},?\s{0,8}[)\]]"
)
_PAIR_BEFORE: Final = later(rb"[(\[]\s{0,8}[\"']\Z")
_ITS_VALUE: Final = later(
    rb",?\s{0,32}(?:[\"']value[\"']|value)\s{0,4}(?P<join>[:=])\s{0,4}", re.IGNORECASE
)
_ITS_NAME: Final = later(rb"\b(?:name|key|header)[\"']?\s{0,4}[:=]\s{0,4}[\"']?\Z", re.IGNORECASE)


def value(data: bytes, at: int, keep: frozenset[str]) -> Iterator[tuple[int, int]]:
    """The secret that belongs to the telling word at ``at``, if there is one."""
    after = _AFTER.match(data, at)
    if after is None:
        return
    name = _named(data, at, after, keep)
    if name is None:
        return
    position = after.end()
    if not name.join:
        shut = after.end("shut") if after["shut"] else after.end("rest")
        pair = _PAIR.match(data, shut) if name.quoted else None
        if pair is not None:
            first = _PAIR_BEFORE.search(data, max(name.start - 12, 0), name.start)
            if first and values.mixed(pair["value"]) and _literal_text(pair["value"], name):
                yield pair.span("value")
            return
        its = _ITS_VALUE.match(data, shut)
        if its is not None:
            if _ITS_NAME.search(data, max(name.start - 20, 0), name.start) is None:
                return
            name = name._replace(join=b":", quoted=False, broken=False)
            position = its.end()
            opened = _OPEN.match(data, position)
            if opened is not None:
                yield from _quoted(data, position, opened, name)
            else:
                yield from bare(data, position, name)
            return
    if name.join == b">":
        if data[name.start - 1 : name.start] == b"<" and not name.quoted:
            element = _ELEMENT.match(data, position)
            if element is not None and _literal_text(element[0], name):
                yield element.span()
        return
    if name.join in (b"==", b"===") or data[name.start - 1 : name.start] == name.join == b":":
        # A comparison; a part of a resource's name (`arn:…:secret:…`).
        return
    if name.join == b":" or not (name.join or after["shut"]):
        typed = _TYPED.match(data, position)
        if typed is not None:
            position = typed.end()
        elif not name.join and not (name.option and name.spaced and not name.broken):
            return
    elif not name.join:
        return
    scheme = _SCHEME.match(data, position)
    if scheme is not None and "uthorization" in name.text.lower():
        position = scheme.end()
    if name.text.lower().endswith("cookie") and name.join == b":":
        cookies = _COOKIES.match(data, position)
        if cookies is not None:
            yield cookies.span()
            return
    opened = _OPEN.match(data, position)
    if opened is not None:
        yield from _quoted(data, position, opened, name)
    else:
        yield from bare(data, position, name)


def _named(data: bytes, at: int, after: re.Match[bytes], keep: frozenset[str]) -> Named | None:
    head = data[max(at - 48, 0) : at]
    start = at - (len(head) - len(head.rstrip(_NAME)))
    escape = _ESCAPE.match(data, start - 1, start + 1) or _ESCAPE.match(data, start - 1, start + 5)
    if start > 0 and escape is not None:
        start = min(escape.end(), at)
    text = data[start : after.end("rest")].decode("ascii", "replace")
    own = text.lstrip("-")
    start += len(text) - len(own)
    kind = names.kind(own)
    if kind < Kind.KEY:
        # `api key`, `Access Token`: a name of two words.
        before = _BEFORE.search(data, max(start - 14, 0), start)
        if before is not None:
            both = f"{before[1].decode()}_{own}"
            if names.kind(both) > kind:
                kind, own = names.kind(both), both
    if kind is Kind.NONE or names.normalised(own) in keep:
        return None
    gap, space = after["gap"], after["space"] or b""
    return Named(
        own,
        kind,
        start,
        (after["shut"] or b"")[-1:] in (b'"', b"'", b"`", b"]"),
        len(text) - len(text.lstrip("-")) >= 2,
        (after["join"] or b"").lower(),
        bool(gap or space),
        b"\n" in gap + space,
    )


def _quoted(
    data: bytes, position: int, opened: re.Match[bytes], name: Named
) -> Iterator[tuple[int, int]]:
    quote = opened["quote"]
    start = opened.end()
    if quote[:1] == b"\\":
        whole = _ESCAPED.match(data, opened.start("quote"))
        if whole is not None:
            start, end = whole.span("value")
        else:
            if data[start : start + 1] == quote[-1:]:
                return
            cut = _ESCAPED_CUT.match(data, start)
            end = cut.end() if cut is not None else len(data)
    else:
        inside = _CLOSED[quote].match(data, start)
        end = inside.end() if inside is not None else start
        if quote == b"'":
            # SQL and YAML write a quote in a text twice.
            while data[end : end + 2] == b"''" and data[end + 2 : end + 3].isalnum():
                inside = _CLOSED[quote].match(data, end + 2)
                end = inside.end() if inside is not None else end
        if len(quote) == 1 and _closes(data, position, quote) and _JOINED.match(data, start):
            return
        if _CONCATENATED.match(data, start):
            return
    content = data[start:end]
    scheme = _SCHEME.match(content)
    if scheme is not None and "uthorization" in name.text.lower():
        start += scheme.end()
        content = content[scheme.end() :]
    if _literal_text(content, name):
        yield start, end


def _closes(data: bytes, position: int, quote: bytes) -> bool:
    """Whether a quote at ``position`` would close a string that was opened on its line."""
    line = data.rfind(b"\n", max(position - 512, 0), position) + 1
    return data.count(quote, max(line, position - 512), position) % 2 == 1


def _literal_text(content: bytes, name: Named) -> bool:
    """Whether a quoted value is a secret."""
    content = values.whole(content)
    if values.stand_in(content):
        return False
    if name.kind is Kind.WEAK:
        return values.token(content)
    first, *more = content.split(None, 8)
    if more:
        # A sentence about the name, or what a form shows.
        if values.said(first) or len(more) > 6 or name.kind is Kind.KEY:
            return False
        lowered = content.lower()
        return not (b"password" in lowered or any(map(values.said, more)))
    if values.said(content) or values.elsewhere(content) or len(content) < 3:
        return False
    if name.kind is not Kind.PASSWORD and values.named(content):
        return False
    if b"''" not in content and names.told(content):
        return False
    if "redential" in name.text or (prose(name) and name.kind is Kind.KEY):
        return len(content) >= 8 and values.mixed(content)
    return True
