"""Shapes that people paste, beside the corpus: what of each is secret, and what looks like it."""

from __future__ import annotations

import pytest

from otelier.redaction import redacted

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
