"""privacy: content reaches the restricted backend alone, and personal data none."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backends.receiver import Receiver
from tests.backends.running import OTELCOL, collector, until, workload
from tests.backends.truth import Truth

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")
# In events, too.
CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT"}
SIGNALS = ("traces", "logs", "metrics")


@dataclass
class Sides:
    """Both backends, with all that arrived, and the truth of it."""

    restricted: Receiver
    everyone: Receiver
    truth: Truth


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    here: Path = tmp_path_factory.mktemp("privacy")
    with Receiver() as restricted, Receiver() as everyone:
        ends = {"RESTRICTED_ENDPOINT": restricted.url, "EVERYONE_ENDPOINT": everyone.url}
        with collector(here, "privacy/config.yaml", **ends) as it:
            truth = workload(here, it.http, **CONTENT)
            wanted = len(truth.rows)
            for backend in (restricted, everyone):
                until(lambda b=backend: len(b.spans()) >= wanted or None, "the spans")
            until(lambda: restricted.bodies("/v1/logs") or None, "the events")
            until(lambda: everyone.bodies("/v1/metrics") or None, "the metrics")
        # Ended: what was under way has arrived.
        yield Sides(restricted, everyone, truth)


def said(backend: Receiver, text: str) -> set[str]:
    """The signals in which a backend got a text, wherever it stands."""
    assert backend.paths() <= {f"/v1/{signal}" for signal in SIGNALS}
    return {
        signal
        for signal in SIGNALS
        if any(text.encode() in body for body in backend.bodies(f"/v1/{signal}"))
    }


@pytest.mark.parametrize("name", ["restricted", "everyone"])
def test_both_backends_have_all_metadata(sides: Sides, name: str) -> None:
    found, truth = getattr(sides, name).spans(), sides.truth
    operations = Counter(span["attributes"]["gen_ai.operation.name"] for span in found)
    assert operations == truth.counted("operation")
    assert sum("error.type" in span["attributes"] for span in found) == sum(
        row["error"] is not None for row in truth.rows
    )
    chats = Counter(
        span["attributes"]["gen_ai.usage.input_tokens"]
        for span in found
        if span["name"] == "chat gpt-4o"
    )
    assert chats == truth.counted("input", rows=truth.where(name="chat gpt-4o"))


def content(truth: Truth) -> list[str]:
    """What was said, of each kind: messages, documents, tools' results, errors."""
    messages = [truth.question, truth.rare_question, truth.words]
    return [*messages, truth.document, "order of ", "Slow down", "no index", "the desk is closed"]


def test_content_is_at_the_restricted_backend(sides: Sides) -> None:
    for text in content(sides.truth):
        assert "traces" in said(sides.restricted, text), text
    for text in (sides.truth.question, sides.truth.words, "Slow down"):
        assert "logs" in said(sides.restricted, text), text


def test_content_is_nowhere_at_the_other(sides: Sides) -> None:
    found = {text: said(sides.everyone, text) for text in content(sides.truth)}
    assert {text: where for text, where in found.items() if where} == {}


def test_personal_data_is_nowhere(sides: Sides) -> None:
    # Every turn asks Ollama's model with an address, which is masked where questions are kept.
    for backend in (sides.restricted, sides.everyone):
        assert said(backend, sides.truth.personal) == set()
    asked = [s for s in sides.restricted.spans() if s["name"] == "chat llama3.2"]
    assert len(asked) == sides.truth.turns
    assert all("Write to " in span["attributes"]["gen_ai.input.messages"] for span in asked)


def test_users_are_hashes(sides: Sides) -> None:
    users = sides.truth.counted("user")
    hashes = {hashlib.sha256(user.encode()).hexdigest(): n for user, n in users.items()}
    everyone, restricted = (
        Counter(span["attributes"]["user.id"] for span in backend.spans())
        for backend in (sides.everyone, sides.restricted)
    )
    assert everyone == hashes
    assert restricted == users
