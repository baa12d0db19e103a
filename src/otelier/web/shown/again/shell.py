"""A request as a command for a POSIX shell: run from a file, or put into a shell that is open.

Nothing of a span is outside of the quoted address, the body and the comments:

- The body is JSON in a here-document whose delimiter is quoted, so that the shell reads it as it
  is, however long; nor does it look there for ``!``, as it does elsewhere in what is typed. Line
  ends are between JSON's own signs alone, as in a text they are ``\\n``, so no line of it is the
  delimiter. Control signs, and others that are not seen, are written as ``\\u…``: a terminal takes
  them for keys.
- In comments only letters, digits and a few signs are left: zsh takes comments that are typed for
  commands.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, Final

from otelier.web.shown.again.made import Again, Header

_DELIMITER: Final = "JSON"
_HEAD: Final = "Made from what a span recorded. What is not as it was sent:"
_HARMLESS: Final = frozenset(" .,:/_-+%@")


def curl(again: Again) -> str:
    """The request as a command; keys are taken from variables of the environment."""
    lines = [
        *(f"# {_harmless(line)}" for line in (_HEAD, *(f"- {each}" for each in again.missing))),
        f"curl {shlex.quote(again.url)} \\",
        *(["  --no-buffer \\"] if again.stream else []),
        *(f"  --header {_header(header)} \\" for header in again.headers),
        f"  --data-binary @- <<'{_DELIMITER}'",
        body(again.body),
        _DELIMITER,
    ]
    return "\n".join(lines) + "\n"


def _header(header: Header) -> str:
    """One of our own headers; the shell puts the key into it."""
    if not header.variable:
        return shlex.quote(f"{header.name}: {header.value}")
    return f'"{header.name}: {header.value}${header.variable}"'


def body(told: dict[str, Any]) -> str:
    """JSON that stays the same in a shell and in a terminal; lines end where JSON's members do."""
    text = json.dumps(told, indent=2, ensure_ascii=False)
    unseen = [sign for sign in set(text) if not sign.isprintable() and sign != "\n"]
    return text.translate({ord(sign): json.dumps(sign)[1:-1] for sign in unseen})


def _harmless(line: str) -> str:
    return "".join(sign if sign.isalnum() or sign in _HARMLESS else "_" for sign in line)
