"""Tells in one pass that a text has nothing in which :mod:`candidates` would find a place.

Nearly every model SDK brings pydantic, and with it Rust's ``regex``, which takes one step for a
byte, whatever the text and the expression are. The expression here matches whatever a sign of
:mod:`signs` can be, and a little more: where it does not match there is nothing to find. Where it
does, or where the program has not loaded pydantic, nothing is known, and the places are searched.
So what is redacted is the same with it and without. Nothing is imported for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from otelier import statics
from otelier.redaction import issuers, letters, signs

_Asked: TypeAlias = Callable[[str | bytes], bool]

_LETTER: Final = "[A-Za-z0-9_-]"
# As in :mod:`signs`, each with its escapes.
_SPACE: Final = r"(?:[ \t-\r]|\\+(?i-u:[nrtf]|u00(?:0[9a-d]|20)))"
_QUOTE: Final = r"(?:\\*[\"'`]|\\+(?i-u:u00(?:2[27]|60)))"
_APOSTROPHE: Final = r"(?:'|\\+(?i-u:u0027))"
_EQUALS: Final = r"(?:=|\\+(?i-u:u003d))"
_SLASHES: Final = r":\\*/\\*/"
_BLANKS: Final = "[_ -]*"
# Long texts are looked at in parts of so many bytes.
_PART: Final = 1024


class _Engine(NamedTuple):
    # Whether a text has what may be a sign; whether it is Unicode: what is none matches nothing.
    has: _Asked
    valid: _Asked


def clean(text: str | bytes) -> bool:
    """Whether there surely is no candidate in ``text``; False where there may be one."""
    has, valid = _engines.get(_far) or _made(_far)
    return not has(text) and (text.isascii() or valid(text))


def suspicious(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that are not :func:`clean`."""
    has, valid = _engines.get(_far) or _made(_far)
    return [text for text in texts if has(text) or not (text.isascii() or valid(text))]


def parts(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts of ``data`` begin and end in which there may be a candidate.

    In the others there is none; of URLs nothing is said.
    """
    has, valid = _engines.get(_halves) or _made(_halves)
    straight = data.isascii()
    begun = 0
    if len(data) > 2 * _PART and signs.ESCAPES not in data and (straight or valid(data)):
        begun = -1
        for first in range(0, len(data), _PART):
            start, end = max(first - signs.BEFORE, 0), first + _PART + signs.BEHIND
            if not straight:
                start, end = letters.begins(data, start), letters.begins(data, end)
            if has(data[start:end]):
                begun = first if begun < 0 else begun
            elif begun >= 0:
                yield begun, first
                begun = -1
    if begun >= 0:
        yield begun, len(data)


def _any(words: Iterable[bytes]) -> str:
    """One of these words as it is."""
    # Rust takes no backslash before a blank.
    return "(?:" + "|".join(re.escape(word.decode()).replace("\\ ", " ") for word in words) + ")"


def _either(words: Iterable[bytes]) -> str:
    """One of these words, whatever its case: that of ASCII, as ``bytes.lower`` has it."""
    return f"(?i-u:{_any(words)})"


def _near() -> dict[str, str]:
    """An expression for each way in which a place is found, and a text that it has to match.

    As :func:`candidates.plain`, without bounds on what stands between.
    """
    begun = (
        f"{_any((prefix,))}{_LETTER}{{{max(signs.LEAST - len(prefix), 0)}}}"
        for prefix in issuers.PREFIXES
    )
    key = _either(signs.KEYS) + _BLANKS + "(?i-u:key)"
    telling = f"(?:{_either(word for word in signs.WORDS if word != b'key')}|{key})"
    valued = (
        f"{_LETTER}*(?:(?:{_QUOTE}\\]?|\\*\\*|\\])?{_SPACE}*(?:[:=>]|\\\\+(?i-u:u003[ade])"
        f"|(?i-u:is|was|are)(?:{_SPACE}|:)|{_APOSTROPHE}[sS]{_SPACE}"
        f"|[A-Za-z][A-Za-z0-9_.]*{_SPACE}*{_EQUALS}"
        f"|,?{_SPACE}*(?:{_QUOTE}|\\\\*)(?i-u:value))|{_QUOTE}{_SPACE}*[,}}])"
    )
    return {
        f"(?:^|[^A-Za-z0-9_-])(?:{'|'.join(begun)})": "\nsk-0123456789abcdef",
        # After an escape, which is the beginning of the run.
        f"\\\\(?:{_LETTER}|{_LETTER}{{5}})?{_any(issuers.PREFIXES)}": "\\u000ask-0123456789abcdef",
        f"{_any(issuers.DOTTED)}{_LETTER}{{{signs.LEAST}}}": "ya29.0123456789abcdef",
        telling + valued: 'API-Key\\" =>',
        # A flag: `--` in the 32 bytes before, of which nothing begins another one.
        f"--(?:-?[^-]){{0,30}}-?{telling}": "--db-Password",
        f"{_either(signs.KEYS)}{_BLANKS}--{_BLANKS}(?i-u:key)": "api--key",
        _either(signs.SCHEMES): "Bearer 1",
        _either(signs.PHRASES): "Identified BY",
        f'(?i-u:(?:encrypted|with|login|(?:user|role){_SPACE}+(?:[\\w"]|\\\\+")+)'
        f"{_SPACE}+password ')": 'role "a_1" PASSWORD \'1',
        _either((signs.PEM,)): "-----BEGIN R",
    }


def _far() -> dict[str, str]:
    """The same for what is known by something that may be far from it in the text."""
    commands = _either(command for its in signs.OPTIONS.values() for command in its)
    option = _either(signs.OPTIONS)
    return {
        f"(?s:@.*{_SLASHES}|{_SLASHES}.*@)": "x://\n@",
        f"(?s:{commands}.*{option}|{option}.*{commands})": " -P\nMySQL",
    }


def _halves() -> dict[str, str]:
    """The half of it that is the place, but for URLs: they are everywhere."""
    return {_either(signs.OPTIONS): " -P"}


# The engines that were made, by what they know beside what is near.
_engines: dict[Callable[[], dict[str, str]], _Engine] = {}


def _made(more: Callable[[], dict[str, str]]) -> _Engine:
    """The engine, if it is there; else what knows nothing."""
    validator = statics.loaded("pydantic_core", "SchemaValidator")
    if validator is None:
        # It may be loaded later.
        return _IGNORANT
    expressions = {**_near(), **more()}
    try:
        found = _Engine(*(_asked(validator, each) for each in ("|".join(expressions), "")))
        samples = list(expressions.values())
        right = all(found.has(text) and found.has(text.encode()) for text in samples)
        right = right and not found.has("The weather: fine.")
        right = right and found.valid("é") and not found.valid("\ud800")
    except Exception:
        right = False
    _engines[more] = found if right else _IGNORANT
    return _engines[more]


def _asked(validator: Any, pattern: str) -> _Asked:
    asked: _Asked = validator({"type": "str", "pattern": pattern}).isinstance_python
    return asked


def _maybe(text: str | bytes) -> bool:
    return True


_IGNORANT: Final = _Engine(_maybe, _maybe)
