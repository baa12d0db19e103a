"""Shapes that people paste, beside the corpus: what of each is secret, and what looks like it."""

from __future__ import annotations

import json

import pytest

from otelier.redaction import Rules, redacted, structure

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
PASTED = (
    ("curl -u admin:Hunter2pass https://x.io", "Hunter2pass"),
    ("curl -s -X POST \\\n  --user 'admin:Hunter2 pass' https://x.io", "Hunter2 pass"),
    ("mysql -u root -pS3cretPw! db", "S3cretPw!"),
    ("mysqldump -h h -p'S3cret Pw' db > x", "S3cret Pw"),
    ("sshpass -p 'hunter2!x' ssh h", "hunter2!x"),
    ("sshpass -phunter2x ssh h", "hunter2x"),
    ("docker login -u me -p S3cretPw99 reg.io", "S3cretPw99"),
    ("redis-cli -h h -a S3cretPw99 ping", "S3cretPw99"),
    ("ALTER USER x WITH PASSWORD 'hunter2'", "hunter2"),
    ("create role app login password 'it''s9';", "it''s9"),
    ("CREATE USER x IDENTIFIED BY 'hunter2';", "hunter2"),
    ("ALTER USER x IDENTIFIED WITH mysql_native_password BY 'hunter2'", "hunter2"),
    ("('password', 'hunter2')", "hunter2"),
    ('headers = [("x-api-key", "9f8e7d6c5b4a")]', "9f8e7d6c5b4a"),
    ('[["x-api-key", "9f8e7d6c5b4a"]]', "9f8e7d6c5b4a"),
    ("- name: DB_PASSWORD\n  value: hunter2\n", "hunter2"),
    ('- name: "DB_PASSWORD"\n  value: "hunterx"\n', "hunterx"),
    ("{name: 'DB_PASSWORD', value: 'hunterx'}", "hunterx"),
    ("postgres://u:p@ss/w0rd@h/db", "p@ss/w0rd"),
    ("DSN=mysql+pymysql://u:p/w0@h:3306/db?x=a@b", "p/w0"),
    ("machine api.x.io login u password hunter2", "hunter2"),
    ("machine api.x.io\n  login u\n  password hunter2\n", "hunter2"),
    ("password: 'it''s4secret'", "it''s4secret"),
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
    "curl -u $USER:$PASS https://x.io",
    "curl -u user:password https://x.io",
    "curl -U https://x.io",
    "mysql -u root -p db",
    "ssh -p 2222 h; mysql -P 3306",
    "docker login -u me --password-stdin",
    "docker run -p 8080:80 x; docker login",
    "mkdir -p mysql/data",
    "docker login reg.io && docker run -p 8080:80 x",
    "ALTER USER x WITH PASSWORD 'password'",
    "they are identified by 'name' and machine learning login",
    '["password", "email"]',
    '["password", "password2"]',
    'required: ["username", "password"]',
    'os.getenv("API_KEY", "")',
    "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db1\n",
    "- name: DB_PASSWORD\n  value: $(DB_PW)\n",
    "the token, value: 12",
    "redis://localhost:6379/0 and a@b.c",
    "npm --registry http://localhost:4873/@scope/pkg",
)


@pytest.mark.parametrize(("text", "secret"), BRACKETS + PASTED)
def test_a_secret_goes_and_nothing_else(text: str, secret: str) -> None:
    assert redacted(text) == text.replace(secret, "[REDACTED]")


@pytest.mark.parametrize("text", CODE)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redacted(text) == text


PASSWORDS = ("abc...def9", "pa***word9", "Sxxxx9word", "$ecretWord9", "correct-horse-here",
             "your-Dog-Ate9", "a1${b2}c3", "my-9-secret!", "hunter9...",
             "# comment9 x")  # fmt: skip
PLACEHOLDERS = ("****", "...", "\u2026", "<your-key>", "${X}", "$PASSWORD", "$DB_PASSWORD1",
                "your-api-key-here", "sk-...", "sk-proj-abc...",
                "sk-****", "xxxx", "xxxx-xxxx", "{{ key }}",
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


@pytest.mark.parametrize(
    "data",
    [
        ["x-api-key", "9f8e7d6c5b4a"],
        {"name": "Authorization", "value": "9f8e7d6c5b4a"},
        {"key": "DB_PASSWORD", "value": "9f8e7d6c5b4a"},
        {"key": "DB_PASSWORD", "type": "text", "enabled": True, "value": "9f8e7d6c5b4a"},
        {"value": "9f8e7d6c5b4a", "name": "Authorization"},
    ],
    ids=str,
)
def test_secrets_beside_their_names_go(data: object) -> None:
    for held in (data, {"a": [data, data]}, {"a": json.dumps(data)}):
        told = json.dumps(held)
        found = Rules().json(told.encode()).decode()
        assert found == told.replace("9f8e7d6c5b4a", "[REDACTED]")


@pytest.mark.parametrize(
    "data",
    [
        {"required": ["password", "email"]},
        ["password", "token", "email1"],
        {"name": "password", "value": ""},
        {"key": "password", "value": "Password"},
        {"key": "password", "value": "Enter your password"},
        {"name": "password", "type": "string"},
        {"name": "tokens", "value": "12"},
        {"value": "abc1", "name": "email"},
    ],
    ids=str,
)
def test_names_beside_names_stay(data: object) -> None:
    told = json.dumps({"a": [data]})
    assert Rules().json(told.encode()).decode() == told


@pytest.mark.parametrize("depth", [1, 5, 9, 13, 16])
def test_json_inside_of_json_is_read_to_the_end(depth: int) -> None:
    data: object = {"password": "hunter2", "n": 1}
    for _ in range(depth):
        data = {"a": json.dumps(data)}
    found = json.loads(Rules().json(json.dumps(data).encode()))
    for _ in range(depth):
        found = json.loads(found["a"])
    assert found == {"password": "[REDACTED]", "n": 1}


def test_schemas_inside_of_schemas_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    is_schema = structure._is_schema

    def seen(data: bytes) -> bool:
        read.append(len(data))
        return is_schema(data)

    monkeypatch.setattr(structure, "_is_schema", seen)
    depth = 500
    start = '{"credentials":{"type":"object","pad":"' + "p" * 300 + '","properties":'
    data = (start * depth + "1" + "}}" * depth).encode()
    Rules().json(data)
    assert sum(read) <= 8 * len(data)
    shallow = json.dumps(
        {"credentials": {"type": "object", "properties": {"a": {"type": "string"}}}}
    )
    assert Rules().json(shallow.encode()).decode() == shallow
