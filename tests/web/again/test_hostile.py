"""Texts of a span are data in a command and in a program, whatever is in them."""

from __future__ import annotations

import ast
import base64
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from otelier import semconv
from otelier.web.shown.again import Again, curl, python, requests
from otelier.web.shown.again.shell import body
from tests.servers import Json, ProviderServer
from tests.web.again.running import by_python, by_shell, told, typed
from tests.web.again.spans import CHAT, FORMATS, span, with_everywhere

# Each would make a file of this name, if it were a command or a piece of a program.
CANARY = "canary"
TOUCH = f"touch {CANARY}"
CODE = f"open({CANARY!r}, 'w')"
HOSTILE = (
    f"$({TOUCH})",
    f"`{TOUCH}`",
    f"';{TOUCH};'",
    f'";{TOUCH};"',
    f"\\';{TOUCH};\\'",
    f"\nJSON\n{TOUCH}\n",
    f"JSON\n{TOUCH}",
    f"\r\nJSON\r\n{TOUCH}\r\n",
    f"\n'\n{TOUCH}\n",
    f"; {TOUCH} #",
    f"&& {TOUCH} || {TOUCH} & {TOUCH} | {TOUCH} > {CANARY}",
    f"> {CANARY}",
    f"--output {CANARY}",
    f"-o{CANARY}",
    "@/etc/passwd",
    "${HOME} $HOME $API_KEY ~ * ? [a-z] {a,b} %s %(name)s {0} {}",
    "!! !echo !$ !-1 wow! !",
    "\\ \\n \\\\ \\' \\\" \\u0021 \\x00 \\",
    f"'''\n{CODE}\n'''",
    f'"""\n{CODE}\n"""',
    f"'); {CODE}; ('",
    f"'] + [{CODE}] + ['",
    f"{{{CODE}}}",
    f"\n{CODE}\n#",
    f"\r{CODE}\r#",
    f"\x0c{CODE}",
    f"\u2028{CODE}\u2029{CODE}\x85{CODE}",
    # Python takes the encoding of a program from its first lines: here code is "+AGE-"…
    f"coding: utf-7 +AAo-{CODE}+AAo-",
    "# -*- coding: rot13 -*-",
    "\x00 \x01\x02\x03\x04 \x07\x08 \x7f \x80\x9b31m",
    "\x1b[201~\x1b]0;title\x07\x1b[2J\x03\x04\x1a",
    "\t\ttab\tcompletion\t",
    "\u202e\u2066reversed\u2069 \u200b\ufeff hidden \U000e0041",
    "é 漢字 😀 \U0001f468\u200d\U0001f469 \ud83d half",
    "</script><script>alert(1)</script>",
    "'; DROP TABLE span; --",
    "../../etc/passwd?a=b&c#d%2e%2e",
    "http://[::1]:99999/{a,b}[1-9]",
    "",
)
NASTY = "'\"\\`$(){}[]<>|&;!#~*?=%^@-+ \n\r\t\0\x1b\x7f\x85\u2028\u202e\ud800aJé😀"


def of(attributes: dict[str, Any], text: str) -> Again:
    again = requests(with_everywhere(attributes, text))
    # A model without a name is none.
    assert again is not None or not text
    return again or requests(span(attributes))  # type: ignore[return-value]


def arguments(program: str) -> dict[str, Any]:
    """What a program gives to its client: it does nothing else."""
    tree = ast.parse(program)
    kinds = [type(each) for each in tree.body if not isinstance(each, ast.Import)]
    client, call = (each.value for each in tree.body if isinstance(each, ast.Assign))
    assert isinstance(client, ast.Call) and isinstance(call, ast.Call)
    assert kinds in (
        [ast.ImportFrom, ast.ImportFrom, ast.Assign, ast.Assign, ast.Expr],
        [ast.ImportFrom, ast.ImportFrom, ast.Assign, ast.Assign, ast.For],
    )
    assert not call.args and not client.args
    return {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}


def encoded(value: Any) -> Any:
    """The same with data as base64, which Google's SDK makes by itself."""
    if isinstance(value, list):
        return [encoded(each) for each in value]
    if isinstance(value, dict):
        return {name: encoded(each) for name, each in value.items()}
    return base64.urlsafe_b64encode(value).decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("api", FORMATS)
def test_a_shell_gives_curl_the_very_bytes(api: str, shell: str, tmp_path: Path) -> None:
    for text in HOSTILE:
        again = of(FORMATS[api], text)
        given, read = told(curl(again), tmp_path, shell)
        headers = [
            f"{each.name}: {each.value}{each.variable and 'key of nobody' + chr(39) + 's host'}"
            for each in again.headers
        ]
        expected = [again.url]
        for header in headers:
            expected += ["--header", header]
        assert given == [each.encode() for each in (*expected, "--data-binary", "@-")]
        assert read == body(again.body).encode() + b"\n"
        assert json.loads(read) == again.body
        assert not (tmp_path / CANARY).exists(), text


@pytest.mark.parametrize("api", FORMATS)
def test_the_url_of_a_model_stays_one_of_the_host(api: str) -> None:
    for text in HOSTILE:
        again = of(FORMATS[api], text)
        assert again.url.startswith("http://127.0.0.1:8080/")
        assert again.url.isascii() and again.url.isprintable()
        assert not set(again.url) & set("'\"\\`$(){}[]<>|;!# ")


@pytest.mark.parametrize("api", FORMATS)
def test_any_text_comes_through_curl(api: str, server: ProviderServer, tmp_path: Path) -> None:
    again = of(FORMATS[api] | at(server), "\n".join(HOSTILE))
    server.script(Json({}))
    by_shell(curl(again), tmp_path)
    assert server.requests[-1].json() == again.body
    assert not (tmp_path / CANARY).exists()


def test_a_text_of_ten_megabytes_comes_through_curl(server: ProviderServer, tmp_path: Path) -> None:
    long = "it's 10 MB!\n" * 900_000
    message = {"role": "user", "parts": [{"type": "text", "content": long}]}
    again = requests(span({**CHAT, **at(server), semconv.INPUT_MESSAGES: json.dumps([message])}))
    assert again is not None
    by_shell(curl(again), tmp_path)
    assert server.requests[-1].json()["messages"] == [{"role": "user", "content": long}]
    assert arguments(python(again)) == again.body


def at(server: ProviderServer) -> dict[str, Any]:
    return {semconv.SERVER_PORT: int(server.url.rpartition(":")[2])}


@pytest.mark.parametrize("api", FORMATS)
def test_a_program_holds_texts_as_literals_alone(api: str) -> None:
    for text in HOSTILE:
        again = of(FORMATS[api], text)
        program = python(again)
        program.encode()
        found = arguments(program)
        more = found.pop("extra_body", {})
        if api == "generate_content":
            assert found["model"] == again.body.get("model", again.model)
            assert encoded(found["contents"]) == encoded(again.body["contents"])
        else:
            assert {**found, **more} == again.body
        assert compile(program, "program", "exec")


def test_a_program_with_any_text_sends_it(server: ProviderServer, tmp_path: Path) -> None:
    again = of(CHAT | at(server), "\n".join(HOSTILE))
    by_python(python(again), tmp_path)
    assert server.requests[-1].json() == again.body
    assert not (tmp_path / CANARY).exists()


def test_random_texts_stay_what_they_are(tmp_path: Path) -> None:
    chance = random.Random(20_261_129)
    for number in range(150):
        text = "".join(chance.choices(NASTY, k=chance.randrange(1, 40)))
        again = of(chance.choice(list(FORMATS.values())), text)
        _, read = told(curl(again), tmp_path, ("bash", "sh")[number % 2])
        assert json.loads(read) == again.body
        found = arguments(python(again))
        assert found["model"] == again.body.get("model", again.model)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("api", FORMATS)
def test_a_command_may_be_typed(
    api: str, shell: str, server: ProviderServer, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    streamed = {semconv.REQUEST_STREAM: True}
    again = of(FORMATS[api] | at(server) | streamed, "\n".join(HOSTILE))
    typed(curl(again), tmp_path, shell, lambda: server.wait_requests(1))
    request = server.requests[-1]
    assert request.json() == again.body
    assert f"{server.url}{request.path}" == again.url
    # No command of a text's has made a file.
    assert sorted(tmp_path.iterdir()) == []


def test_no_text_says_in_which_encoding_a_program_is() -> None:
    text = f"coding: utf-7 +AAo-{CODE}+AAo-"
    tools = json.dumps([{"type": text, "name": text}])
    for address in ("127.0.0.1", "api.openai.com"):
        told = {**CHAT, semconv.SERVER_ADDRESS: address, semconv.SERVER_PORT: 443}
        again = requests(span({**told, semconv.TOOL_DEFINITIONS: tools}))
        assert again is not None and any(text in line for line in again.missing[:2])
        program = python(again)
        # As bytes, a program is read as its file is.
        assert ast.dump(ast.parse(program.encode())) == ast.dump(ast.parse(program))
