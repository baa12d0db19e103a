"""Names of secrets: which keys of data, variables and headers hold one, by their own words.

``apiKey``, ``api_key``, ``X-API-Key`` and ``API-KEY`` are one name. What counts is how a name
ends, word by word: ``DB_PASSWORD`` is a password; ``password_reset_url``, ``tokenizer``,
``secretary`` and ``passwordless`` are not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Final

from otelier.expressions import later


class Kind(IntEnum):
    """What a name says about its value."""

    NONE = 0
    # Only a value that looks like a secret is one: there are tokens of many kinds.
    WEAK = 1
    # Text after it is code or prose as often as a secret; data under it is secret.
    KEY = 2
    # People choose it, so that it need not look like anything.
    PASSWORD = 3


_ENDINGS: Final = {
    **dict.fromkeys(
        [
            "password",
            "passwd",
            "passphrase",
            "passcode",
            "pwd",
            "passwords",
            "userpassword",
            "dbpassword",
            "adminpassword",
            "rootpassword",
            "newpassword",
            "oldpassword",
            "pgpassword",
            "mysqlpwd",
            "sshpass",
        ],
        Kind.PASSWORD,
    ),
    **dict.fromkeys(
        [
            "secret",
            "secrets",
            "apikey",
            "apikeys",
            "apisecret",
            "secretkey",
            "clientsecret",
            "accesskey",
            "privatekey",
            "accountkey",
            "masterkey",
            "signingkey",
            "encryptionkey",
            "sharedkey",
            "sharedaccesskey",
            "credential",
            "credentials",
            "authtoken",
            "accesstoken",
            "refreshtoken",
            "sessiontoken",
            "bearertoken",
            "idtoken",
            "apitoken",
            "securitytoken",
            "privatetoken",
            "authkey",
        ],
        Kind.KEY,
    ),
    **dict.fromkeys(["token", "pass", "auth"], Kind.WEAK),
}
_WHOLE: Final = dict.fromkeys(
    ["authorization", "proxyauthorization", "xauthorization", "cookie", "setcookie"], Kind.KEY
)
# Before the ending they make a flag, a deed or a count of it.
_NO_SECRET: Final = frozenset(
    [
        "has",
        "is",
        "was",
        "show",
        "hide",
        "reset",
        "forgot",
        "forget",
        "require",
        "requires",
        "required",
        "need",
        "needs",
        "no",
        "non",
        "use",
        "uses",
        "with",
        "without",
        "enable",
        "enabled",
        "disable",
        "disabled",
        "allow",
        "allows",
        "check",
        "verify",
        "validate",
        "change",
        "changed",
        "update",
        "get",
        "set",
        "generate",
        "make",
        "create",
        "find",
        "read",
        "load",
        "save",
        "delete",
        "remove",
        "ask",
        "prompt",
        "invalid",
        "missing",
        "wrong",
        "bad",
        "incorrect",
        "max",
        "min",
        "num",
        "count",
        "len",
        "next",
        "previous",
        "prev",
        "page",
        "continuation",
        "start",
        "end",
        "sync",
        "pagination",
        "cursor",
        "eos",
        "bos",
        "pad",
        "unk",
        "sep",
        "cls",
        "mask",
        "special",
        "stop",
        "first",
        "last",
        "input",
        "output",
        "cached",
        "completion",
        "starting",
        "request",
        "idempotency",
        "lifecycle",
        "list",
        "describe",
        "reasoning",
        "public",
        "by",
        "per",
        "verbose",
        "on",
        "handle",
        "test",
        "parse",
        "tokenize",
    ]
)
_WORD: Final = later(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def normalised(name: str) -> str:
    """A name without its style: letters and digits in lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def kept(names: Collection[str] | Iterable[str]) -> frozenset[str]:
    """Names that the user keeps, for :func:`kind`."""
    return frozenset(normalised(str(name)) for name in names)


@lru_cache(maxsize=2048)
def kind(name: str) -> Kind:
    """What ``name`` says about its value."""
    if len(name) > 96 or ":" in name:
        return Kind.NONE
    whole = _WHOLE.get(normalised(name.rpartition(".")[2]))
    if whole is not None:
        return whole
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1].isdecimal():
        words.pop()
    for first in range(len(words)):
        found = _ENDINGS.get("".join(words[first:]))
        if found is not None:
            if _NO_SECRET.isdisjoint(words[:first]):
                return found
            return Kind.NONE
    return Kind.NONE


def told(value: bytes) -> bool:
    """Whether a value is itself a secret's name, as a label or a variable is."""
    return kind(value[:96].decode("utf-8", "replace")) is not Kind.NONE


def exact(name: str) -> bool:
    """Whether ``name`` is a secret's and says nothing else: all that it holds is secret."""
    return normalised(name).removeprefix("x") in _ENDINGS
