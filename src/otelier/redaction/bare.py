"""Values without quotes: words of configuration or prose, and expressions of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from otelier.expressions import later
from otelier.redaction import names, values
from otelier.redaction.names import Kind

_QUERY: Final = later(rb"[^\s\"'`,;&{}\[\]<>()|\\]{1,512}")
_BARE: Final = later(rb"[^\s\"'`,;{}\[\]<>()|\\]{1,512}")
# Brackets inside of a value, as passwords have them, but nothing that ends what is around it.
_BRACKETED: Final = later(
    rb"(?:[^\s\"'`,;&{}\[\]<>()|\\]|\([^\s\"'`,;()\\]{0,64}\)|\[[^\s\"'`,;\[\]\\]{0,64}\]"
    rb"|\{[^\s\"'`,;{}\\]{0,64}\}){1,512}"
)
_FIELD: Final = later(rb"[^\s\"'`;\\]{3,512}")
_LISTED: Final = later(rb"[^\s\"'`\\;=&|(){}\[\]<>]{3,512}(?=[ \t]{0,8}(?:\Z|[\r\n]))")
# Before a password in `Server=db;User Id=sa;Password=…`.
_CONNECTION: Final = later(
    rb"(?:server|data source|host|user id|userid|uid|user|username|database|initial catalog|port"
    rb"|driver|dsn)\s?=[^\n;]{0,128};(?:[^\n;]{0,128};)*\s?\Z",
    re.IGNORECASE,
)
_BARE_REST: Final = later(rb"[^\s\"'`,;&{}\[\]<>()|\\]*+")
_LONG: Final = 512
_LINE: Final = later(rb"[^\s\"'`\\]{3,512}")
_ASSIGNS: Final = later(
    rb"(?:\A|[\n;]|\\n)[ \t]{0,16}(?:[-*#>$][ \t]?)?"
    rb"(?:(?:export|set|setx|env|ENV|ARG|declare -x|local|readonly|docker run -e|-e)[ \t]+)?\Z"
)
_OWNED: Final = later(rb"\b(?:my|our)(?: [\w-]{1,20}){0,2} \Z", re.IGNORECASE)
_IDENTIFIER: Final = later(rb"[A-Za-z_]\w*")
_CALLED: Final = later(rb"[A-Za-z_$][\w$.:?!>-]*[(\[{<]")
# What a call or an index is followed by; what is no argument.
_GOES_ON: Final = later(rb"[\w!@#$%^~\x80-\xff]")
_NO_ARGUMENT: Final = later(rb"[!@#$%^&?~]+")
_CLOSES: Final = {b"(": b")", b"[": b"]", b"{": b"}", b"<": b">"}
_NO_NAME: Final = later(rb"[!@#%^*~?(\[]")
_SPECIAL: Final = later(rb"[!@#%^*~$?+=]")
_UNIT: Final = later(
    rb"\s{1,3}(?:bit|byte|char|letter|digit|symbol|time|day|hour|minute|of|out|or|to)"
)
_CLAUSE: Final = later(
    rb"[.,;!?)]|\s*(?:\Z|[\n\\])|\s{1,2}(?:and|but|can|could|please|so|for|is|i|you|what|how|help)\b",
    re.IGNORECASE,
)
_END_OF_LINE: Final = later(rb"\xe2\x80\xa6 \[|[.!]?[ \t]{0,8}(?:#|\Z|[\r\n]|\\[nr])")
_PUNCTUATION: Final = b".,;:?)*&"
# What otelier writes in the place of a text's rest (``truncation``).
_MORE: Final = later(rb"\xe2\x80\xa6(?= \[[\d,]{1,20} more [a-z]{1,16}\])")


class Named(NamedTuple):
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


def prose(name: Named) -> bool:
    """Whether a sentence tells the value, as in "my password is …"."""
    return name.join[:2] in (b"is", b"wa", b"ar", b"'s")


def bare(data: bytes, position: int, name: Named) -> Iterator[tuple[int, int]]:
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
    if not (close and _NO_NAME.search(word)) and names.told(word):
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


def _strong(data: bytes, end: int, word: bytes, name: Named) -> bool:
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
    if name.broken or prose(name):
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
    data: bytes, end: int, word: bytes, name: Named, line: bool, upper: bool, query: bool
) -> bool:
    """Whether letters alone are a secret, because of where they stand."""
    if name.kind is Kind.WEAK or name.quoted or name.broken:
        return False
    ends = _END_OF_LINE.match(data, end) is not None
    if upper:
        return ends
    if name.kind is not Kind.PASSWORD or not word.isalpha() or len(word) < 5:
        return False
    if prose(name):
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
