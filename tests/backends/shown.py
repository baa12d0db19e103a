"""What the tests of Phoenix and MLflow share: both show the talk, and are set up by their files."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import yaml

from tests.backends.programs import PROGRAMS
from tests.backends.questions import rows
from tests.backends.running import CONFIGS, instrumented, opened

# What is said in the talk.
SYSTEM, ASKED, ANSWER = "Answer briefly.", "Is it raining in Paris?", "It is raining."
ARGUMENTS = {"city": "Paris", "station": 1234567890123456789}
CHAT_TOKENS, CACHE_WRITE = (40, 8), 400
TALK_SPANS = 10


def say(endpoint: str, session: str = "talk", **env: str) -> None:
    """Run the talk under ``opentelemetry-instrument``, as a session of its own."""
    quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    instrumented("tests.backends.talk", session, endpoint=endpoint, **{**quiet, **env})


def switches(backend: str) -> dict[str, str]:
    """The settings of a backend in its docker-compose.yaml: the tests run it with them.

    And the version: its image is what the tests install.
    """
    told = yaml.safe_load((CONFIGS / backend / "docker-compose.yaml").read_text())
    service = told["services"][backend]
    installed = PROGRAMS[backend].pin
    assert installed and service["image"].endswith(installed), (service["image"], installed)
    return dict(service["environment"])


def conditions(backend: str) -> set[str]:
    """What the README's table of questions says to type into the search field."""
    _, *lines = rows((CONFIGS / backend / "README.md").read_text(), "**Questions**")
    return {code for _, cell in lines for code in re.findall("`([^`]+)`", cell)}


def ask(url: str, asked: Any) -> Any:
    """The JSON answered to JSON."""
    body, headers = json.dumps(asked).encode(), {"content-type": "application/json"}
    with opened(Request(url, body, headers)) as answer:
        return json.loads(answer.read())


def refused(url: str, **headers: str) -> int:
    """The status of a POST that fails."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        opened(Request(url, b"{}", named, method="POST")).close()
    except HTTPError as refusal:
        return refusal.code
    raise AssertionError(f"{url} took it")
