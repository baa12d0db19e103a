"""Secrets in recorded content are replaced by ``[REDACTED]`` before anything is exported.

:mod:`scanner` tells in one pass that a text has nothing to look at, as nearly all have;
:mod:`candidates` finds the places that are worth a look (:mod:`signs`);
:mod:`judge` decides there (:mod:`issuers`, :mod:`assigned`, :mod:`bare`, :mod:`names`,
:mod:`values` are its rules); :mod:`structure` does it by keys where data has
them. :data:`KINDS` says what is found, for docs/guides/privacy.md.
"""

from __future__ import annotations

from typing import Final

from otelier.redaction.issuers import ISSUERS
from otelier.redaction.judge import MARK
from otelier.redaction.structure import Rules

__all__ = ["ISSUERS", "KINDS", "MARK", "Rules", "redact", "redacted"]

KINDS: Final = (
    "API keys in the form that their issuer gives them: " + ", ".join(ISSUERS),
    "JSON Web Tokens",
    "private keys (PEM)",
    "strings in JSON (arguments, results, headers; JSON inside of JSON, too) under a name "
    "that ends in password, passwd, passphrase, passcode, pwd, secret, credential, "
    "authorization, cookie; in api, access, private, secret, account, master, signing, "
    "encryption, shared or auth key; or in auth, access, refresh, session, bearer, id, api, "
    "security or private token. `apiKey`, `api_key` and `X-API-Key` are one name; null, "
    "booleans, numbers and JSON schemas stay",
    "literal values of such names in text: `password: hunter2`, `DB_PASSWORD=…`, `--password …`, "
    "`my password is …`; code that only names a secret stays, as do variables and placeholders",
    "values of other names that end in token, if they look like one (12 characters or more, "
    "letters and at least two digits)",
    "`Bearer` and `Basic` authorization values",
    "passwords in URLs (`://user:password@host`)",
    "passwords of commands, SQL and `.netrc` files: `curl -u user:…`, `mysql -p…`, `sshpass -p …`, "
    "`docker login -p …`, `redis-cli -a …`, `WITH PASSWORD '…'`, `IDENTIFIED BY '…'`",
    'what stands beside such a name in data: `["x-api-key", "…"]`, '
    '`{"name": "DB_PASSWORD", "value": "…"}`',
)

_BUILT_IN: Final = Rules()


def redact(data: bytes) -> bytes:
    """UTF-8 text without secrets, by the built-in rules: ``data`` itself where there are none."""
    return _BUILT_IN.text(data)


def redacted(text: str) -> str:
    """The same for text."""
    return redact(text.encode("utf-8", "replace")).decode("utf-8", "replace")
