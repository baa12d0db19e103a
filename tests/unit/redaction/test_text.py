"""Secrets leave no trace in recorded content, JSON stays JSON, and prose stays prose."""

from __future__ import annotations

import json

import pytest

from otelier.redaction import MARK as MARK_BYTES
from otelier.redaction import Rules, redact, redacted

MARK = MARK_BYTES.decode()

SECRETS = [
    "sk-proj-abcDEF1234567890abcDEF1234567890",
    "sk-ant-api03-aaaaBBBBccccDDDD1111222233334444-xyz_AA",
    "sk-or-v1-0123456789abcdef0123456789abcdef",
    "gsk_abcdefghijklmnopqrstuvwxyz012345",
    "xai-abcdefghijklmnopqrstuvwxyz012345",
    "pplx-abcdefghijklmnopqrstuvwxyz012345",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
    "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "glpat-abcdefghijklmnopqrst",
    "xoxb-1234567890-abcdefghijkl",
    "sk_live_abcdefghijklmnop1234",
    "SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----",
]
NAMED = [
    ("password=hunter2", "hunter2"),
    ("Password: hunter2", "hunter2"),
    ("the passphrase is passphrase='open sesame'", "open sesame"),
    ("DB_PASSWORD=p4ss,w", "p4ss"),
    ('{"password": "correct horse battery"}', "correct horse battery"),
    ('{"client_secret":"abc\\"def"}', "abc"),
    ("api_key: 12345abc", "12345abc"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("Authorization: Bearer abcdef123456ghijk", "abcdef123456ghijk"),
    ("token: 0123456789abcdef", "0123456789abcdef"),
    ("postgres://admin:s3cr3t@db.internal/x", "s3cr3t"),
    ("https://user:pa%20ss@example.com", "pa%20ss"),
]
PROSE = [
    "The tokens are counted: token usage was 1200, max_tokens: 100.",
    "A secret is something you keep. The key idea: pass words around.",
    "Basic understanding of authentication and bearer bonds.",
    "def tokenize(text): return text.split()",
    'see https://example.com/a/b?c=d and "key": 5',
    "cookie recipes, social security, sk-8 boards and task-force-12",
    '{"type":"object","properties":{"password":{"type":"string"},"token":{"type":"integer"}}}',
    "call_abcdefghijklmnopqrstuvwx and toolu_01ABCDEFGHIJKLMNOPQRSTUV",
    "9b2c1f8e-1111-2222-3333-444455556666",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "my key is {} ok", "KEY={};", '"{}"', "(\n{}\n)"])
def test_keys_go(secret: str, frame: str) -> None:
    text = frame.format(secret)
    assert secret not in redacted(text)
    assert MARK in redacted(text)


@pytest.mark.parametrize(("text", "secret"), NAMED)
def test_named_values_go(text: str, secret: str) -> None:
    assert secret not in redacted(text)


@pytest.mark.parametrize("text", PROSE)
def test_prose_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(("text", "secret"), [*NAMED, *((s, s[:24]) for s in SECRETS)])
def test_json_stays_valid_at_any_depth(text: str, secret: str, depth: int) -> None:
    shown: object = [{"role": "user", "parts": [{"type": "text", "content": text + " end"}]}]
    for _ in range(depth):
        shown = {"arguments": json.dumps(shown), "password": 'a \\ b " c', "after": 1}
    cleaned = redacted(json.dumps(shown))
    loaded = json.loads(cleaned)
    assert secret not in cleaned
    assert loaded["password"] == MARK
    assert loaded["after"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "password\t: hunter2x",
        "password\r\n= hunter2x",
        "password\v:\thunter2x",
        "password\tis\thunter2x",
        "my password is\nhunter2x",
        "'password'\t:\t'hunter2x'",
        'token\tstr\t= "hunter2x0123"',
        "db_password's\tvalue\npassword\n: hunter2x",
        "CREATE USER a WITH\nPASSWORD 'hunter2x'",
        "ALTER ROLE\t\"a\"\tPASSWORD 'hunter2x'",
    ],
)
@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("long", ["", "The weather is fine. " * 300], ids=["short", "long"])
def test_what_json_writes_as_an_escape_hides_nothing(text: str, depth: int, long: str) -> None:
    text = long + text + long
    for _ in range(depth):
        text = json.dumps({"arguments": text})
    assert "hunter2x" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        # As Gson, Go and PHP write JSON.
        r"password\u003dhunter2x",
        r"password\u0027\u003a \u0027hunter2x\u0027",
        r"\u0022password\u0022\u003a\u0022hunter2x\u0022",
        r"postgres:\/\/admin:hunter2x@db.internal\/x",
        r"https:\/\/user:hunter2x@example.com\/",
    ],
)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_nor_does_what_some_write_so(text: str, depth: int) -> None:
    text = '{"arguments": "' + text + '"}'
    for _ in range(depth):
        text = json.dumps({"arguments": text})
    assert "hunter2x" not in redacted(text)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize(("text", "secret"), [*NAMED, *((s, s[:24]) for s in SECRETS)])
def test_names_in_data_are_looked_at_too(text: str, secret: str, depth: int) -> None:
    shown: object = {text: {"password": "hunter2"}, "after": 1}
    for _ in range(depth):
        shown = {"arguments": json.dumps(shown)}
    cleaned = redacted(json.dumps(shown))
    assert secret not in cleaned
    assert "hunter2" not in cleaned
    shown = json.loads(cleaned)
    for _ in range(depth):
        assert isinstance(shown, dict)
        shown = json.loads(shown["arguments"])
    assert isinstance(shown, dict)
    assert shown["after"] == 1


def test_a_clean_text_is_not_copied() -> None:
    data = b"nothing to see, key: none"
    assert redact(data) is data


def test_hostile_text_takes_no_time_to_speak_of() -> None:
    """Patterns are linear: sizes here would take hours otherwise."""
    for text in (
        "password=" * 20_000,
        'password="' + "\\" * 100_000,
        "sk-" * 50_000,
        "eyJ" + "a" * 100_000 + ".",
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "://" * 50_000 + "@",
        "token: " * 30_000,
        "sk-0123456789abcdef " * 50_000,
    ):
        redacted(text)


@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", "é", "a \n", "\u2028", "=", ":"])
@pytest.mark.parametrize("secret", [*SECRETS, "token=abcdefghijkl1234"])
def test_secrets_at_the_start_of_a_line_go_from_json(before: str, secret: str) -> None:
    needle = secret.removeprefix("token=")
    for escaped in (False, True):
        text = json.dumps([{"content": f"keys:{before}{secret}\nend"}], ensure_ascii=escaped)
        cleaned = redacted(text)
        assert needle not in json.loads(cleaned)[0]["content"]
        assert json.loads(cleaned)[0]["content"].startswith("keys:")


@pytest.mark.parametrize("length", [900, 5_000, 50_000])
def test_long_and_cut_values_go(length: int) -> None:
    secret = "b" * length
    for text in (
        json.dumps({"access_token": secret, "after": 1}),
        '{"password": "' + secret,
        json.dumps({"a": json.dumps({"password": secret + " c"})}),
        "password=" + secret,
        "Authorization: Bearer " + secret,
        "-----BEGIN PRIVATE KEY-----\n" + secret,
    ):
        assert "bbb" not in redacted(text), text[:40]


@pytest.mark.parametrize("letter", ["é", "漢", "😀"])
@pytest.mark.parametrize(
    "before", ["password: ", "curl -u a:", "mysql -p", "default login a password ", "redis-cli -a "]
)
def test_of_a_letter_all_goes(before: str, letter: str) -> None:
    """Rules that look at so many bytes may end within a letter."""
    for length in (*range(246, 260), *range(502, 516)):
        text = before + "a1" * 100 + "b" * (length - 200) + letter * 300
        for depth in range(2):
            cleaned = Rules().text((json.dumps({"a": text}) if depth else text).encode()).decode()
            assert "\ufffd" not in cleaned
            assert MARK in cleaned


def test_an_empty_value_stays_empty() -> None:
    assert redacted('{"password": "", "x": 1}') == '{"password": "", "x": 1}'


def test_many_private_keys_take_no_time_to_speak_of() -> None:
    redacted("-----BEGIN PRIVATE KEY-----" * 40_000)
