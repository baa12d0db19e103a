"""Shapes that people paste, beside the corpus: what of each is secret, and what looks like it."""

from __future__ import annotations

import json

import pytest

from otelier.redaction import Rules, redacted

# A text, what of it is secret.
BRACKETS = (
    ("MSSQL_SA_PASSWORD=yourStrong(!)Password", "yourStrong(!)Password"),
    ("MSSQL_SA_PASSWORD=yourStrong(!)", "yourStrong(!)"),
    ("export DB_PASSWORD=abc(9", "abc(9"),
    ("DB_PASSWORD=abc[9]x", "abc[9]x"),
    ("Server=db;User Id=sa;Password=yourStrong(!)Passw0rd;", "yourStrong(!)Passw0rd"),
    ("Server=db;User Id=sa;Password=yourStrong(!)Password;", "yourStrong(!)Password"),
    ("Server=db,1433;Database=x;Uid=sa;Pwd=ab(c,9;Encrypt=true", "ab(c,9"),
    ("Password=abc(def9)x;", "abc(def9)x"),
    ("password=abc(def9)xyz1", "abc(def9)xyz1"),
    ("connect(password=abc(def9)xyz1)", "abc(def9)xyz1"),
    ("password=abc,def9", "abc,def9"),
)
CODE = (
    "password = get_password()",
    "password=get_password(user1)",
    "password=get_password(user1).strip()",
    'API_KEY=os.getenv("X")',
    "PASSWORD=$(pass show x)",
    "PASSWORD=get_password(",
    "PASSWORD=get_password(1)",
    "DB_PASSWORD=config[KEY1]",
    "login(user=u, password=form.cleaned(p1)[0])",
    "a=1;password=read_password(b);",
    "connect(password=abc,user=def9)",
    "password=abc,user=def9",
)


@pytest.mark.parametrize(("text", "secret"), BRACKETS)
def test_a_secret_goes_and_nothing_else(text: str, secret: str) -> None:
    assert redacted(text) == text.replace(secret, "[REDACTED]")


@pytest.mark.parametrize("text", CODE)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redacted(text) == text


PASSWORDS = ("abc...def9", "pa***word9", "Sxxxx9word", "$ecretWord9", "correct-horse-here",
             "your-Dog-Ate9", "a1${b2}c3", "my-9-secret!", "hunter9...", "# comment9 x")  # fmt: skip
PLACEHOLDERS = ("****", "...", "\u2026", "<your-key>", "${X}", "$PASSWORD", "$DB_PASSWORD1",
                "your-api-key-here", "sk-...", "sk-****", "xxxx", "xxxx-xxxx", "{{ key }}",
                "%TOKEN%", "[KEY]", "YOUR_API_KEY", "$(pass show x)", "Bearer ${TOKEN}",
                "${{ secrets.KEY }}", "${USER}:${PASS}", "$dbPassword", "my-secret-key",
                "put-your-key-here", "", "n/a", "string")  # fmt: skip


def member(value: str) -> object:
    data = json.dumps({"password": value, "n": {"api_key": [value]}})
    found = json.loads(Rules().json(data.encode()))
    return [found["password"], *found["n"]["api_key"]]


@pytest.mark.parametrize("value", PASSWORDS)
def test_under_a_secret_key_a_password_may_have_what_masks_have(value: str) -> None:
    assert member(value) == ["[REDACTED]", "[REDACTED]"]
    if " " not in value:
        assert redacted(f"DB_PASSWORD={value}") == "DB_PASSWORD=[REDACTED]"


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_under_a_secret_key_whole_placeholders_stay(value: str) -> None:
    assert member(value) == [value, value]


@pytest.mark.parametrize(
    "text", ["password: correcthorsebatt", "DB_PASSWORD=correcthorse", 'password: "correct horse b']
)
def test_half_a_secret_goes_before_the_mark_of_a_cut(text: str) -> None:
    found = redacted(f"{text}\u2026 [1,234 more characters]")
    assert "corr" not in found
    assert member("correcthorsebatt\u2026 [9 more characters]") == ["[REDACTED]", "[REDACTED]"]
