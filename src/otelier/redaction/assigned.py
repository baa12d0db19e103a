"""What stands after a telling name in free text: ``password: hunter2``, ``my API key is …``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from otelier.redaction import names, values
from otelier.redaction.names import Kind

_NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_ESCAPE: Final = re.compile(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})\Z")
# The rest of a name, what closes it, and what joins it to a value.
_AFTER: Final = re.compile(
    rb"(?P<rest>[\w-]{0,40})(?P<shut>(?!'s\s)\\{0,31}[\"'`]\]?|\*\*|\])?(?P<gap>\s{0,8})"
    rb"(?:(?P<join>:\*\*|=>|:=|={1,3}|[:>]|(?:(?:is|was|are)\b|(?<=\w)'s\b)(?P<told>\s{0,2}:)?)"
    rb"(?P<space>\s{0,8}))?",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(rb"([A-Za-z]{2,12})[ _-]\Z")
_TYPED: Final = re.compile(
    rb"[A-Za-z_*&][\w.\[\]*]{0,40}(?: \| None)?\s{0,4}:?=\s{0,4}(?=[fbruFBRU]{0,2}[\"'`])"
)
_SCHEME: Final = re.compile(
    rb"(?:bearer|basic|token|api-?key|bot|digest|negotiate)[ \t]{1,4}", re.IGNORECASE
)
_OPEN: Final = re.compile(rb"[fbruFBRU]{0,2}(?P<quote>\"\"\"|'''|\\{0,31}[\"'`])")
_CLOSED: Final = {
    b'"': re.compile(rb'[^"\\\n]*(?:\\.[^"\\\n]*)*+'),
    b"'": re.compile(rb"[^'\\\n]*(?:\\.[^'\\\n]*)*+"),
    b"`": re.compile(rb"[^`\\\n]*(?:\\.[^`\\\n]*)*+"),
    b'"""': re.compile(rb'[^"]*+'),
    b"'''": re.compile(rb"[^']*+"),
}
# JSON inside of JSON: an embedded quote has more backslashes than the closing one.
_ESCAPED: Final = re.compile(
    rb"(?P<quote>\\{1,31}[\"'`])(?P<value>(?:[^\"\\]|\\.){1,8192}?)(?<!\\)(?P=quote)", re.DOTALL
)
_ESCAPED_CUT: Final = re.compile(rb"[^\"\\]*(?:\\.[^\"\\]*)*+", re.DOTALL)
_QUERY: Final = re.compile(rb"[^\s\"'`,;&{}\[\]<>()|\\]{1,512}")
_BARE: Final = re.compile(rb"[^\s\"'`,;{}\[\]<>()|\\]{1,512}")
# Brackets inside of a value, as passwords have them, but nothing that ends what is around it.
_BRACKETED: Final = re.compile(
    rb"(?:[^\s\"'`,;&{}\[\]<>()|\\]|\([^\s\"'`,;()\\]{0,64}\)|\[[^\s\"'`,;\[\]\\]{0,64}\]"
    rb"|\{[^\s\"'`,;{}\\]{0,64}\}){1,512}"
)
_FIELD: Final = re.compile(rb"[^\s\"'`;\\]{3,512}")
_LISTED: Final = re.compile(rb"[^\s\"'`\\;=&|(){}\[\]<>]{3,512}(?=[ \t]{0,8}(?:\Z|[\r\n]))")
# Before a password in `Server=db;User Id=sa;Password=…`.
_CONNECTION: Final = re.compile(
    rb"(?:server|data source|host|user id|userid|uid|user|username|database|initial catalog|port"
    rb"|driver|dsn)\s?=[^\n;]{0,128};(?:[^\n;]{0,128};)*\s?\Z",
    re.IGNORECASE,
)
_BARE_REST: Final = re.compile(rb"[^\s\"'`,;&{}\[\]<>()|\\]*+")
_COOKIES: Final = re.compile(rb"[^\s=;:\"'\\]{1,128}=[^\n\"'\\]{1,8192}")
_LONG: Final = 512
_ELEMENT: Final = re.compile(rb"[^\s<>{}$]{3,512}(?=</)")
_LINE: Final = re.compile(rb"[^\s\"'`\\]{3,512}")
# What a string that ends here is followed by, in code that joins strings.
_JOINED: Final = re.compile(rb"\s*(?:[+.,;)\]}%|&:<>/]|\Z)")
_CONCATENATED: Final = re.compile(rb"[\"'`]\s{0,4}(?:[+.%,&|]|\)\s*%)\s")
_ASSIGNS: Final = re.compile(
    rb"(?:\A|[\n;]|\\n)[ \t]{0,16}(?:[-*#>$][ \t]?)?"
    rb"(?:(?:export|set|setx|env|ENV|ARG|declare -x|local|readonly|docker run -e|-e)[ \t]+)?\Z"
)
_OWNED: Final = re.compile(rb"\b(?:my|our)(?: [\w-]{1,20}){0,2} \Z", re.IGNORECASE)
_IDENTIFIER: Final = re.compile(rb"[A-Za-z_]\w*")
_CALLED: Final = re.compile(rb"[A-Za-z_$][\w$.:?!>-]*[(\[{<]")
# What a call or an index is followed by; what is no argument.
_GOES_ON: Final = re.compile(rb"[\w!@#$%^~\x80-\xff]")
_NO_ARGUMENT: Final = re.compile(rb"[!@#$%^&?~]+")
_CLOSES: Final = {b"(": b")", b"[": b"]", b"{": b"}", b"<": b">"}
_NO_NAME: Final = re.compile(rb"[!@#%^*~?(\[]")
_SPECIAL: Final = re.compile(rb"[!@#%^*~$?+=]")
_UNIT: Final = re.compile(
    rb"\s{1,3}(?:bit|byte|char|letter|digit|symbol|time|day|hour|minute|of|out|or|to)"
)
_CLAUSE: Final = re.compile(
    rb"[.,;!?)]|\s*(?:\Z|[\n\\])|\s{1,2}(?:and|but|can|could|please|so|for|is|i|you|what|how|help)\b",
    re.IGNORECASE,
)
_END_OF_LINE: Final = re.compile(rb"\xe2\x80\xa6 \[|[.!]?[ \t]{0,8}(?:#|\Z|[\r\n]|\\[nr])")
_PUNCTUATION: Final = b".,;:?)*&"
# What otelier writes in the place of a text's rest (``truncation``).
_MORE: Final = re.compile(rb"\xe2\x80\xa6(?= \[[\d,]{1,20} more [a-z]{1,16}\])")


# A pair of two texts; a name that is the value of another, `- name: DB_PASSWORD`, `value: …`.
_PAIR: Final = re.compile(
    rb"\s{0,8},\s{0,8}(?P<quote>[\"'])(?P<value>[^\"'\\\n]{3,512})(?P=quote)\s{0,8},?\s{0,8}[)\]]"
)
_PAIR_BEFORE: Final = re.compile(rb"[(\[]\s{0,8}[\"']\Z")
_ITS_VALUE: Final = re.compile(
    rb",?\s{0,32}(?:[\"']value[\"']|value)\s{0,4}(?P<join>[:=])\s{0,4}", re.IGNORECASE
)
_ITS_NAME: Final = re.compile(
    rb"\b(?:name|key|header)[\"']?\s{0,4}[:=]\s{0,4}[\"']?\Z", re.IGNORECASE
)


class _Named(NamedTuple):
    """A name in a text."""

    text: str
    kind: Kind
    start: int
    # By a quote, as in JSON.
    quoted: bool
    # Written as an option, `--password`.
    option: bool
    join: bytes
    # White space on either side of what joins.
    spaced: bool
    broken: bool


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
                yield from _bare(data, position, name)
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
        yield from _bare(data, position, name)


def _named(data: bytes, at: int, after: re.Match[bytes], keep: frozenset[str]) -> _Named | None:
    head = data[max(at - 48, 0) : at]
    start = at - (len(head) - len(head.rstrip(_NAME)))
    escape = _ESCAPE.match(data, start - 1, start + 1) or _ESCAPE.match(data, start - 1, start + 5)
    if start > 0 and escape is not None:
        start = min(escape.end(), at)
    text = data[start : after.end("rest")].decode("ascii", "replace")
    bare = text.lstrip("-")
    start += len(text) - len(bare)
    kind = names.kind(bare)
    if kind < Kind.KEY:
        # `api key`, `Access Token`: a name of two words.
        before = _BEFORE.search(data, max(start - 14, 0), start)
        if before is not None:
            both = f"{before[1].decode()}_{bare}"
            if names.kind(both) > kind:
                kind, bare = names.kind(both), both
    if kind is Kind.NONE or names.normalised(bare) in keep:
        return None
    gap, space = after["gap"], after["space"] or b""
    return _Named(
        bare,
        kind,
        start,
        (after["shut"] or b"")[-1:] in (b'"', b"'", b"`", b"]"),
        len(text) - len(text.lstrip("-")) >= 2,
        (after["join"] or b"").lower(),
        bool(gap or space),
        b"\n" in gap + space,
    )


def _prose(name: _Named) -> bool:
    return name.join[:2] in (b"is", b"wa", b"ar", b"'s")


def _quoted(
    data: bytes, position: int, opened: re.Match[bytes], name: _Named
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


def _literal_text(content: bytes, name: _Named) -> bool:
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
    if b"''" not in content and _names_one(content):
        return False
    if "redential" in name.text or (_prose(name) and name.kind is Kind.KEY):
        return len(content) >= 8 and values.mixed(content)
    return True


def _bare(data: bytes, position: int, name: _Named) -> Iterator[tuple[int, int]]:
    """A value without quotes: a word of configuration or prose, or an expression of code."""
    line = (
        name.join == b"="
        and not name.spaced
        and not name.quoted
        and _ASSIGNS.search(data, max(name.start - 48, 0), name.start) is not None
    )
    upper = line and name.text == name.text.upper()
    query = data[name.start - 1 : name.start] in (b"?", b"&")
    close = name.join == b"=" and not name.spaced and not name.quoted
    field = (
        close
        and data[max(name.start - 2, 0) : name.start].rstrip(b" ").endswith(b";")
        and _CONNECTION.search(data, max(name.start - 512, 0), name.start) is not None
    )
    match = (_LINE if upper else _FIELD if field else _QUERY if query else _BARE).match(
        data, position
    )
    if match is None:
        return
    if close and not (upper or field or query):
        # A bracket or a comma may be a part of it.
        whole = _BRACKETED.match(data, position)
        if whole is not None and whole.end() > match.end() and not _called(whole[0], False):
            match = whole
        elif line and name.kind is Kind.PASSWORD and data[match.end() : match.end() + 1] == b",":
            listed = _LISTED.match(data, position)
            if listed is not None and values.mixed(listed[0]):
                match = listed
    word, end = match[0], match.end()
    following = data[end : end + 1]
    more = _MORE.match(data, end - 3) if word.endswith(b"\xe2\x80\xa6") else None
    if more is not None:
        # Cut by otelier: whatever it is, it ends here.
        word, end = word[:-3], end - 3
    elif not (upper or field):
        stripped = word.rstrip(_PUNCTUATION)
        if stripped.rstrip(b"!").isalpha():
            stripped = stripped.rstrip(b"!")
        end -= len(word) - len(stripped)
        word = stripped
    own = values.placeholder if upper or field else values.stand_in
    if len(word) < 3 or own(word) or values.said(word):
        return
    identifier = _IDENTIFIER.match(word)
    if identifier is not None:
        if not field and _called(word + following, upper and _END_OF_LINE.match(data, end)):
            return
        if name.join == b":" and name.kind is not Kind.PASSWORD and values.typed(word):
            return
    if name.kind is not Kind.PASSWORD and values.named(word):
        return
    if values.elsewhere(word):
        return
    if not (close and _NO_NAME.search(word)) and _names_one(word):
        return
    if match.end() - position >= _LONG:
        # No name and no sentence is so long.
        rest = _BARE_REST.match(data, match.end())
        if rest is not None and b"=" not in word:
            end = rest.end()
        yield position, end
    elif (
        field or _strong(data, end, word, name) or _plain(data, end, word, name, line, upper, query)
    ):
        yield position, end


def _names_one(value: bytes) -> bool:
    return names.kind(value[:96].decode("ascii", "replace")) is not Kind.NONE


def _called(word: bytes, whole: object) -> bool:
    """Whether ``word`` begins as a call or an index does, of code; ``whole`` if nothing follows."""
    match = _CALLED.match(word)
    if match is None:
        return False
    begun = match.end()
    closing = _CLOSES[word[begun - 1 : begun]]
    closed = word.find(closing, begun)
    if closed < 0:
        # It goes on in the next line.
        return not whole or word[-1:] in b"([{<,"
    if _NO_ARGUMENT.fullmatch(word, begun, closed) is not None:
        return False
    return _GOES_ON.match(word, closed + 1) is None


def _strong(data: bytes, end: int, word: bytes, name: _Named) -> bool:
    """Whether a word shows by itself that it is a secret."""
    if name.kind is Kind.WEAK:
        return values.token(word)
    if word.isdigit():
        return (
            name.kind is Kind.PASSWORD
            and not name.quoted
            and not name.broken
            and not name.text.lower().endswith("s")
            and len(word) >= 4
            and _UNIT.match(data, end) is None
        )
    if any(map(values.said, word.split(b"-"))):
        return False
    if name.quoted and _IDENTIFIER.fullmatch(word) is not None:
        # What is unquoted beside a quoted name is an expression.
        return False
    least = 4 if name.kind is Kind.PASSWORD else 8
    if name.broken or _prose(name):
        least = max(least, 6)
    if len(word) < least:
        return False
    if values.mixed(word):
        return name.kind is Kind.PASSWORD or not _snake(word)
    if name.broken:
        return False
    if name.kind is Kind.PASSWORD:
        return _SPECIAL.search(word) is not None and not values.worded(word.replace(b"+", b"("))
    return values.made(word) and len(word) >= 16


def _snake(word: bytes) -> bool:
    return b"_" in word and values.worded(word)


def _plain(
    data: bytes, end: int, word: bytes, name: _Named, line: bool, upper: bool, query: bool
) -> bool:
    """Whether letters alone are a secret, because of where they stand."""
    if name.kind is Kind.WEAK or name.quoted or name.broken:
        return False
    ends = _END_OF_LINE.match(data, end) is not None
    if upper:
        return ends
    if name.kind is not Kind.PASSWORD or not word.isalpha() or len(word) < 5:
        return False
    if _prose(name):
        return (
            not word.endswith((b"ed", b"ing", b"able", b"correct", b"right"))
            and _OWNED.search(data, max(name.start - 48, 0), name.start) is not None
            and _CLAUSE.match(data, end) is not None
        )
    if name.join == b"=" and not name.spaced:
        return (line and ends) or query
    if name.join[:1] == b":":
        return ends and (word.islower() or (name.text[:1].isupper() and name.text[1:].islower()))
    return False
