"""Secrets in recorded content are replaced by ``[REDACTED]`` before anything is exported.

Works on UTF-8 text; JSON text stays valid JSON. Telling words and long runs of key characters are
looked for by plain searches, patterns are tried only where one stands, so that a text costs a few
microseconds per kilobyte. :data:`KINDS` says what is found, for README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

MARK: Final = b"[REDACTED]"

KINDS: Final = (
    "API keys by their issuer's prefix: OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM (`sk-`), "
    "Groq, xAI, Perplexity, Cerebras, Hugging Face, Replicate, NVIDIA, Tavily, Jina, LangSmith, "
    "Together, Google, AWS, GitHub, GitLab, Slack, Stripe, SendGrid, npm, PyPI, DigitalOcean",
    "JSON Web Tokens",
    "private keys (PEM)",
    "values named password, passwd, passphrase, pwd, secret, api key, access key, private key, "
    "credential, or auth, access, refresh, session, bearer, id, api token; in text, JSON, URLs "
    "and JSON inside of JSON",
    "values named token that look like one (12 characters or more with a digit)",
    "`Bearer` and `Basic` authorization values",
    "passwords in URLs (`://user:password@host`)",
)

# Prefix -> what follows it.
_ISSUED: Final = {
    b"sk-": rb"[A-Za-z0-9_-]{16,}",
    **dict.fromkeys(
        (b"gsk_", b"xai-", b"pplx-", b"csk-", b"hf_", b"r8_", b"fw_", b"nvapi-", b"jina_",
         b"tvly-", b"lsv2_pt_", b"lsv2_sk_", b"tgp_v1_"),
        rb"[A-Za-z0-9_-]{16,}",
    ),
    b"AIza": rb"[A-Za-z0-9_-]{30,}",
    b"ya29.": rb"[A-Za-z0-9_-]{20,}",
    **dict.fromkeys((b"AKIA", b"ASIA", b"ABIA", b"ACCA"), rb"[A-Z0-9]{16}"),
    **dict.fromkeys((b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), rb"[A-Za-z0-9]{20,}"),
    b"github_pat_": rb"[A-Za-z0-9_]{20,}",
    b"glpat-": rb"[A-Za-z0-9_-]{20,}",
    **dict.fromkeys(
        (b"xoxa-", b"xoxb-", b"xoxe-", b"xoxp-", b"xoxr-", b"xoxs-", b"xapp-"),
        rb"[A-Za-z0-9-]{10,}",
    ),
    **dict.fromkeys((b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"whsec_"),
                    rb"[A-Za-z0-9]{16,}"),
    b"SG.": rb"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    b"npm_": rb"[A-Za-z0-9]{30,}",
    b"pypi-": rb"[A-Za-z0-9_-]{30,}",
    b"dop_v1_": rb"[a-f0-9]{32,}",
    b"eyJ": rb"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
}  # fmt: skip
_PREFIXES: Final = tuple(_ISSUED)
# Not inside of a word; in JSON text the letter before may be an escape's, as of a line break.
_START: Final = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_KEY: Final = re.compile(
    _START
    + rb"(?:"
    + b"|".join(re.escape(prefix) + rest for prefix, rest in _ISSUED.items())
    + rb")"
)
_RUN: Final = b"x" * 16
_RUNS: Final = bytes(
    ord("x") if (byte < 128 and chr(byte).isalnum()) or chr(byte) in "-_" else 32
    for byte in range(256)
)

# A value: quoted, quoted by escaped quotes (JSON inside of JSON: an embedded quote has more
# backslashes than the closing one), or one bare word.
_VALUE: Final = (
    rb"(?:(?P<open>\")(?=[^\"])[^\"\\]*(?:\\.[^\"\\]*)*(?P<closed>\")?"
    rb"|(?P<quote>\\{1,31}[\"']|')(?:[^\"\\]|\\.){1,8192}?(?<!\\)(?P<again>(?P=quote))"
    rb"|\\{1,31}[\"'](?=[^\"])[^\"\\]*(?:\\.[^\"\\]*)*"
    rb"|[^\s\"'\\,;&{}\[\]<>()|]{3,})"
)
_TAIL: Final = rb"(?P<name>[\w-]{0,40}(?:\\{0,31}[\"'])?\s{0,8}(?:=>|:=|[:=])\s{0,8})"
_NAMED: Final = re.compile(_TAIL + _VALUE, re.DOTALL)
_TOKEN: Final = re.compile(
    rb"(?P<name>token(?:\\{0,31}[\"'])?\s{0,8}[:=]\s{0,8}(?:\\{0,31}[\"'])?)"
    rb"(?=[^\s\"'\\]{0,64}\d)[A-Za-z0-9._~+/=-]{12,}",
    re.IGNORECASE,
)
_AUTHORIZATION: Final = re.compile(
    rb"(?P<name>\w{5,6}\s{1,4})(?=[^\s\"'\\]{0,64}\d|[A-Za-z0-9._~+/=-]{20})[A-Za-z0-9._~+/=-]{12,}"
)
_USERINFO: Final = re.compile(rb"(?P<name>://[^\s/:@\"'\\]{0,256}:)[^\s/@\"'\\]{1,256}(?=@)")
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
_PEM_END: Final = re.compile(rb"-----END [A-Z ]{0,40}PRIVATE KEY-----")
# Telling words in lower case; some only after one of these.
_BEFORE_KEY: Final = re.compile(rb"(?:api|access|private)[_-]?$")
_ALONE: Final = re.compile(rb"(?:^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9a-fA-F]{4})$")
_BEFORE_TOKEN: Final = re.compile(rb"(?:auth|access|refresh|session|bearer|id|api)[_-]?$")
_WORDS: Final = (
    (b"password", None),
    (b"passwd", None),
    (b"passphrase", None),
    (b"pwd", None),
    (b"secret", None),
    (b"credential", None),
    (b"key", _BEFORE_KEY),
    (b"token", _BEFORE_TOKEN),
)

_TELLING: Final = (*(word for word, _ in _WORDS), b"bearer ", b"basic ", b"-----begin ")

# Start, end, what stands there instead.
_Found: TypeAlias = tuple[int, int, bytes]


def redact(data: bytes) -> bytes:
    """UTF-8 text without secrets: ``data`` itself where there are none."""
    lowered = data.lower()
    runs = data.translate(_RUNS)
    # Operators instead of calls: most texts end here.
    if _RUN not in runs and not (b"@" in data and b"://" in data):
        for word in _TELLING:
            if word in lowered:
                break
        else:
            return data
    found = [*_issued(data, runs), *_named(data, lowered), *_others(data, lowered)]
    return _replaced(data, found) if found else data


def redacted(text: str) -> str:
    """The same for text."""
    return redact(text.encode("utf-8", "replace")).decode()


def _issued(data: bytes, runs: bytes) -> Iterator[_Found]:
    start = runs.find(_RUN)
    while start >= 0:
        end = runs.find(b" ", start)
        if end < 0:
            end = len(data)
        run = data[max(start - 4, 0) : end]
        if any(prefix in run for prefix in _PREFIXES):
            # Some prefixes end in a dot, which is in no run.
            for match in _KEY.finditer(data, max(start - 8, 0), min(end + 1024, len(data))):
                yield match.start(), match.end(), MARK
                end = max(end, match.end())
        start = runs.find(_RUN, end)


def _named(data: bytes, lowered: bytes) -> Iterator[_Found]:
    if b":" not in data and b"=" not in data:
        return
    for word, before in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            match = _NAMED.match(data, at)
            if match is not None:
                if before is None or before.search(lowered, max(at - 8, 0), at):
                    opened = match["open"] or match["quote"] or b""
                    closed = match["closed"] or match["again"] or b""
                    yield match.end("name"), match.end(), opened + MARK + closed
                elif word == b"token" and _ALONE.search(data, max(at - 8, 0), at):
                    match = _TOKEN.match(data, at)
                    if match is not None:
                        yield match.end("name"), match.end(), MARK
            at = lowered.find(word, at + len(word))


def _others(data: bytes, lowered: bytes) -> Iterator[_Found]:
    for word in (b"bearer ", b"basic "):
        at = lowered.find(word)
        while at >= 0:
            match = _AUTHORIZATION.match(data, at)
            if match is not None:
                yield match.end("name"), match.end(), MARK
            at = lowered.find(word, at + len(word))
    if b"@" in data:
        at = data.find(b"://")
        while at >= 0:
            match = _USERINFO.match(data, at)
            if match is not None:
                yield match.end("name"), match.end(), MARK
            at = data.find(b"://", at + 3)
    match = _PEM.search(data)
    while match is not None:
        last = _PEM_END.search(data, match.end())
        # Without an end it was cut: then to the end of the JSON string, or of all.
        quote = data.find(b'"', match.end())
        end = last.end() if last else quote if quote >= 0 else len(data)
        yield match.start(), end, MARK
        match = _PEM.search(data, end)


def _replaced(data: bytes, found: list[_Found]) -> bytes:
    """``data`` with the spans replaced; of those that overlap the first and longest counts."""
    found.sort(key=lambda span: (span[0], -span[1]))
    pieces: list[bytes] = []
    done = 0
    for start, end, mark in found:
        if end <= done:
            continue
        if start < done:
            # What sticks out behind an overlapping span is a secret's rest, unless a quote is
            # there to close a string: that has to stay.
            continue
        pieces += (data[done:start], mark)
        done = end
    pieces.append(data[done:])
    return b"".join(pieces)
