"""Innocent lines: what names, resembles or mentions secrets without being one.

``innocent.txt`` is written by hand; the rest puts telling names and prefixes of keys into every
form that code, shells, configuration, logs, schemas and URLs have for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha1, sha256
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

NAMES = (
    "password", "passwd", "passphrase", "secret", "client_secret", "api_key", "apiKey", "API_KEY",
    "DB_PASSWORD", "access_token", "refreshToken", "auth_token", "token", "private_key",
    "secret_key", "aws_secret_access_key", "credentials", "session_token",
)  # fmt: skip

# Code and configuration in which a name's value is an expression, a type, or nothing yet.
FORMS = (
    "{n} = get_{n}()",
    "{n} = load({n})",
    "{n}={n}",
    "self.{n} = {n}",
    "client = Client({n}={n}, timeout=30)",
    "client = Client({n}=self._{n})",
    "client = Client({n}=settings.{n})",
    "client = Client({n}=config['{n}'])",
    '{n} = os.getenv("{n}")',
    '{n} = os.environ["{n}"]',
    "{n} = os.environ.get('{n}', '')",
    "const {n} = process.env.{n};",
    "const {n} = await vault.read('{n}');",
    "{n}: str",
    "{n}: str | None = None",
    "{n}: Optional[SecretStr] = Field(default=None)",
    "{n}: string;",
    "{n}?: string,",
    "pub {n}: Option<String>,",
    "def connect(host: str, {n}: str) -> None:",
    "if {n} is None: raise ValueError('{n} is required')",
    "if not {n}:",
    "if {n} == other.{n}:",
    "assert {n} != expected_{n}",
    "return {n}",
    "del {n}",
    "print(len({n}))",
    'print(f"{n}: {{{n}}}")',
    'logger.info("%s changed", "{n}")',
    "export {n}=${n}",
    "export {n}=${{{n}}}",
    "export {n}=$(pass show {n})",
    "set {n}=%{n}%",
    "echo ${n}",
    "unset {n}",
    "{n}: ${{{n}}}",
    "{n}: ${{{{ secrets.{n} }}}}",
    '{n}: "{{{{ {n} }}}}"',
    "{n}: <your-{n}>",
    "{n}: '***'",
    "{n}=your-{n}-here",
    '{n} = "<{n}>"',
    '{n} = ""',
    "{n} = None",
    "{n}: null",
    '{{"{n}": null, "n": 1}}',
    '{{"{n}": true}}',
    '{{"{n}": {{"type": "string", "description": "The {n} to use."}}}}',
    '{{"{n}_url": "https://example.com/{n}/2", "{n}_count": 12}}',
    '{{"has_{n}": "yes", "{n}_updated_at": "2024-05-01T10:00:00Z"}}',
    "{n}_file: /run/secrets/{n}2024",
    "{n}_min_length = 12",
    "The {n} is required.",
    "The {n} is read from the environment when the program starts.",
    "Is the {n} missing? Then set it in version 3 of the file.",
    "error: {n}: must be set",
    "error: invalid {n}",
    "2024-05-01T10:00:00Z INFO {n} rotated version=12 took=120ms",
    "level=warn msg=\"{n} expires soon\" days=12",
    "https://example.com/docs/{n}#section-12",
    "https://example.com/reset?{n}={{{n}}}",
    "git grep -n {n} -- src",
    "src/{n}_store.py:12: {n}",
    "SELECT {n} FROM users WHERE id = 12",
    "ALTER TABLE users ADD COLUMN {n} varchar(255);",
    '<input type="text" name="{n}" id="{n}-12">',
    "- [ ] rotate the {n} before 2025-01-01",
    "--{n} $VALUE",
)  # fmt: skip

# What keys begin with, at the beginning of names of other things.
PREFIXES = (
    "sk-", "gsk_", "xai-", "pplx-", "csk-", "fw_", "hf_", "r8_", "nvapi-", "tvly-", "jina_",
    "npm_", "pypi-", "llx-", "dapi", "ghp_", "glpat-", "AKIA", "ASIA",
)  # fmt: skip
TAILS = (
    "", "a", "v2", "learn", "image", "tmp-imgen", "toolbar-container-large", "config_registry_url",
    "transformers_cache_folder", "model-selector", "2024", "server-side-rendering-test",
    "client_initialisation_helper", "embeddings-v3-base", "MyClassNameForTests",
    "classification_pipelines", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "...", "<rest>",
    "****************",
)  # fmt: skip
AROUND = ("{}", "https://example.com/img/{}.png", "import {}; {}.run()", "class='{}'")


def innocent() -> Iterator[str]:
    """The lines, each once and always the same ones."""
    seen = set()
    for line in _lines():
        if line and line not in seen:
            seen.add(line)
            yield line


def _lines() -> Iterator[str]:
    yield from (Path(__file__).parent / "innocent.txt").read_text().splitlines()
    for name in NAMES:
        for form in FORMS:
            yield form.format(n=name)
    for number, prefix in enumerate(PREFIXES):
        for step, tail in enumerate(TAILS):
            yield AROUND[(number + step) % len(AROUND)].replace("{}", prefix + tail)
    for number in range(60):
        drawn = sha256(b"%d" % number).hexdigest()
        short = sha1(b"%d" % number).hexdigest()
        one = uuid5(NAMESPACE_DNS, str(number))
        yield from (
            f"sha256:{drawn}",
            f"commit {short}",
            f"request id {one}",
            json.dumps({"id": f"call_{short[:24]}", "request_id": str(one), "etag": drawn[:32]}),
            f"https://example.com/files/{one}/{short}.png?v={number}",
            f"xai-tmp-imgen-{one}.jpeg",
        )
