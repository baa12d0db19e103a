"""Tells in one pass that a text has nothing in which :mod:`candidates` would find a place.

Nearly every model SDK brings pydantic, and with it Rust's ``regex``, which takes one step for a
byte, whatever the text and the expression are. The expression here matches whatever a sign of
:mod:`signs` can be, and a little more: where it does not match there is nothing to find. Where it
does, or where the program has not loaded pydantic, nothing is known, and the places are searched.
So what is redacted is the same with it and without. Nothing is imported for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from otelier import statics
from otelier.redaction import issuers, signs

# Whether a text has what may be a sign; whether it is Unicode at all.
_Engine: TypeAlias = tuple[Callable[[str | bytes], bool], Callable[[str | bytes], bool]]

_LETTER: Final = "[A-Za-z0-9_-]"
_SPACE: Final = r"[ \t-\r]"
_BLANKS: Final = "[_ -]*"


def clean(text: str | bytes) -> bool:
    """Whether there surely is no candidate in ``text``; False where there may be one."""
    has, valid = _engine or _made()
    # What is no Unicode matches nothing.
    return not has(text) and (text.isascii() or valid(text))


def suspicious(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that are not :func:`clean`."""
    has, valid = _engine or _made()
    return [text for text in texts if has(text) or not (text.isascii() or valid(text))]


def _any(words: Iterable[bytes]) -> str:
    """One of these words as it is."""
    # Rust takes no backslash before a blank.
    return "(?:" + "|".join(re.escape(word.decode()).replace("\\ ", " ") for word in words) + ")"


def _either(words: Iterable[bytes]) -> str:
    """One of these words, whatever its case: that of ASCII, as ``bytes.lower`` has it."""
    return f"(?i-u:{_any(words)})"


def _expressions() -> dict[str, str]:
    """An expression for each way in which a place is found, and a text that it has to match.

    As :func:`candidates.search`, without bounds on what stands between.
    """
    begun = (
        f"{_any((prefix,))}{_LETTER}{{{max(signs.LEAST - len(prefix), 0)}}}"
        for prefix in issuers.PREFIXES
    )
    key = _either(signs.KEYS) + _BLANKS + "(?i-u:key)"
    telling = f"(?:{_either(word for word in signs.WORDS if word != b'key')}|{key})"
    valued = (
        f"{_LETTER}*(?:(?:\\\\*[\"'`]\\]?|\\*\\*|\\])?{_SPACE}*(?:[:=>]|(?i-u:is|was|are)(?:{_SPACE}|:)"
        f"|'[sS]{_SPACE}|[A-Za-z][A-Za-z0-9_.]*{_SPACE}*=|,?{_SPACE}*\\\\*[\"']?(?i-u:value))"
        f"|\\\\*[\"']{_SPACE}*[,}}])"
    )
    commands = _either(command for command, _ in signs.OPTIONS)
    options = _either(option for _, its in signs.OPTIONS for option in its)
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
        "(?s:@.*://|://.*@)": "x://\n@",
        f"(?s:{commands}.*{options}|{options}.*{commands})": " -P\nMySQL",
        _either(signs.PHRASES): "Identified BY",
        f"(?i-u:(?:encrypted|with|login|(?:user|role){_SPACE}+[\\w\"]+){_SPACE}+password ')": (
            'role "a_1" PASSWORD \'1'
        ),
        _either((signs.PEM,)): "-----BEGIN R",
    }


_engine: _Engine | None = None


def _made() -> _Engine:
    """The engine, if it is there; else what knows nothing."""
    global _engine
    validator = statics.loaded("pydantic_core", "SchemaValidator")
    if validator is None:
        # It may be loaded later.
        return _IGNORANT
    expressions = _expressions()
    try:
        found: _Engine = (
            validator({"type": "str", "pattern": "|".join(expressions)}).isinstance_python,
            validator({"type": "str", "pattern": ""}).isinstance_python,
        )
        right = all(map(found[0], expressions.values())) and not found[0]("The weather: fine.")
    except Exception:
        right = False
    _engine = found if right else _IGNORANT
    return _engine


def _maybe(text: str | bytes) -> bool:
    return True


_IGNORANT: Final[_Engine] = (_maybe, _maybe)
