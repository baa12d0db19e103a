"""Secrets in recorded content are replaced by ``[REDACTED]`` before anything is exported.

Works on JSON text, which it keeps valid, and on ordinary text. Two passes: a cheap look for what
could be a secret (a long run of key characters, a telling word), then the patterns of
:data:`PATTERNS`, which README.md lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

MARK: Final = "[REDACTED]"

# Keys are recognised by their issuers' prefixes.
_KEYS: Final = "|".join(
    (
        r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot, LiteLLM
        r"(?:gsk|xai|pplx|csk|hf|r8|fw|nvapi|jina|tvly|pa|lsv2_pt|lsv2_sk|tgp_v1)[-_]"
        r"[A-Za-z0-9_-]{16,}",  # Groq, xAI, Perplexity, Cerebras, Hugging Face, Replicate, …
        r"AIza[A-Za-z0-9_-]{30,}",  # Google
        r"ya29\.[A-Za-z0-9_-]{20,}",  # Google OAuth
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}",
        r"xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}",  # Slack
        r"(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}",  # Stripe
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
        r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dop_v1_[a-f0-9]{32,}",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JWT
    )
)
_WORDS: Final = (
    r"pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|apikey|access[_-]?key|private[_-]?key|"
    r"(?:auth|access|refresh|session|bearer|id|api)[_-]?token|credentials?"
)
# A value: quoted (also with the quotes escaped, JSON inside of JSON), or one bare word.
_VALUE: Final = (
    r"(?:(?P<quote>\\{0,7}[\"'])(?P<quoted>(?:[^\"\\]|\\.){1,1024}?)(?P=quote)"
    r"|(?P<bare>[^\s\"'\\,;&{}\[\]<>()|]{3,}))"
)

KEY: Final = re.compile(rf"(?<![A-Za-z0-9])(?:{_KEYS})")
PEM: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.{0,8192}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----"
    r"|(?=\"|$))",
    re.DOTALL,
)
ASSIGNED: Final = re.compile(
    rf"(?P<name>(?:{_WORDS})[\w-]{{0,32}}(?:\\{{0,7}}[\"'])?\s{{0,8}}(?:=>|:=|[:=])\s{{0,8}}){_VALUE}",
    re.IGNORECASE | re.DOTALL,
)
TOKEN: Final = re.compile(
    r"(?P<name>\btoken(?:\\{0,7}[\"'])?\s{0,8}[:=]\s{0,8}(?:\\{0,7}[\"'])?)"
    r"(?=[^\s\"'\\]*\d)[A-Za-z0-9._~+/=-]{12,}",
    re.IGNORECASE,
)
BEARER: Final = re.compile(
    r"(?P<name>\b(?:bearer|basic)\s{1,4})(?=[^\s\"'\\]*\d)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE
)
USERINFO: Final = re.compile(r"(?P<name>://[^\s/:@\"'\\]{0,256}:)[^\s/@\"'\\]{1,256}(?=@)")


def _assigned(match: re.Match[str]) -> str:
    quote = match["quote"] or ""
    return f"{match['name']}{quote}{MARK}{quote}"


def _named(match: re.Match[str]) -> str:
    return match["name"] + MARK


def _whole(match: re.Match[str]) -> str:
    return MARK


# What is looked for, in this order: a name for README, the pattern, what stands there afterwards.
PATTERNS: Final[tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    ("private keys (PEM)", PEM, _whole),
    ("keys by their issuer's prefix", KEY, _whole),
    ("passwords, secrets, keys and tokens by name", ASSIGNED, _assigned),
    ("tokens by name", TOKEN, _named),
    ("authorization values", BEARER, _named),
    ("passwords in URLs", USERINFO, _named),
)

_RUN_LENGTH: Final = 20
_RUN: Final = b"x" * _RUN_LENGTH
_RUNS: Final = bytes(
    ord("x") if chr(byte).isalnum() and byte < 128 or chr(byte) in "-_" else 32
    for byte in range(256)
)
_TELLING: Final = (b"passw", b"passphrase", b"pwd", b"secret", b"key", b"token", b"bearer", b"basic ",
                   b"credential")  # fmt: skip


def suspicious(data: bytes) -> bool:
    """Whether UTF-8 text could hold a secret; False is certain, True is not."""
    if data.translate(_RUNS).find(_RUN) >= 0:
        return True
    lowered = data.lower()
    for word in _TELLING:
        if word in lowered:
            return True
    return b"@" in data and b"://" in data


def redact(text: str) -> str:
    """``text`` with secrets replaced. JSON text stays valid JSON."""
    for _, pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redacted(text: str) -> str:
    """``text`` with secrets replaced, after a cheap look whether there are any."""
    return redact(text) if suspicious(text.encode("utf-8", "replace")) else text
