"""Both ways: every true secret goes and nothing else; every innocent line stays as it is."""

from __future__ import annotations

import email
import json
import logging
import re
from pathlib import Path
from types import ModuleType

import pytest

from otelier.redaction import ISSUERS, KINDS, Rules, redacted
from tests.unit.redaction.innocent import innocent
from tests.unit.redaction.secrets import ISSUED, secrets

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/privacy.md"
SECRETS = list(secrets())
LINES = list(innocent())


def shown(text: str, depth: int) -> str:
    """``text`` as a message's, ``depth`` times JSON inside of JSON, after it was redacted there."""
    data: object = {"role": "user", "parts": [{"type": "text", "content": text}]}
    for _ in range(depth):
        data = {"type": "tool_call", "arguments": json.dumps(data), "id": None, "n": 1}
    found = json.loads(Rules().json(json.dumps([data]).encode()))[0]
    for _ in range(depth):
        assert found["id"] is None
        assert found["n"] == 1
        found = json.loads(found["arguments"])
    return str(found["parts"][0]["content"])


def test_every_secret_goes_and_nothing_else() -> None:
    wrong = [
        text for text, secret in SECRETS if redacted(text) != text.replace(secret, "[REDACTED]")
    ]
    assert wrong == []


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_every_secret_goes_from_messages(depth: int) -> None:
    wrong = [text for text, secret in SECRETS if secret in shown(text, depth)]
    assert wrong == []


def test_secrets_go_from_the_middle_of_much_else() -> None:
    before, after = "\n".join(LINES[:300]), "\n".join(LINES[300:600])
    wrong = []
    for text, secret in SECRETS[::7]:
        found = redacted(f"{before}\n{text}\n{after}")
        if found != f"{before}\n{text.replace(secret, '[REDACTED]')}\n{after}":
            wrong.append(text)
    assert wrong == []


def test_every_innocent_line_stays() -> None:
    assert [line for line in LINES if redacted(line) != line] == []


def test_innocent_lines_stay_together_and_in_messages() -> None:
    text = "\n".join(LINES)
    assert redacted(text) == text
    for depth in (0, 1, 2):
        assert shown(text, depth) == text


@pytest.mark.parametrize("package", [json, email, logging], ids=lambda one: one.__name__)
def test_the_standard_library_stays(package: ModuleType) -> None:
    for file in Path(str(package.__file__)).parent.rglob("*.py"):
        if "test" not in file.parts:
            text = file.read_text()
            assert redacted(text) == text, file


def test_guide_has_the_figures() -> None:
    text = GUIDE.read_text()
    for count, what in ((len(SECRETS), "true secrets"), (len(LINES), "lines")):
        told = re.search(rf"([0-9,]+) {what}\b", text)
        assert told is not None
        assert int(told[1].replace(",", "")) == count
    assert len(SECRETS) >= 300
    assert len(set(SECRETS)) == len(SECRETS)
    assert len(LINES) >= 2000


def test_guide_has_the_kinds() -> None:
    text = GUIDE.read_text()
    for kind in KINDS:
        assert f"\n- {kind}\n" in text


def test_every_issuer_is_in_the_corpus() -> None:
    assert {issuer for issuer, _ in ISSUED} == set(ISSUERS)
