"""Fixtures that all tests share."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import otelier
from otelier import guard
from tests import certificates
from tests.servers import ProviderServer
from tests.settings import bending
from tests.telemetry import Telemetry

# Before an SDK takes the function.
certificates.shorten()
RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "recordings"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Who has no browser reads that the tests with one were skipped, and why."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(
        each.longrepr[2].removeprefix("Skipped: ")
        for each in skipped
        if each.nodeid.startswith("tests/browser/")
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"tests/browser: {count} skipped: {reason}")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or keys of the machine it runs on."""
    for name in bending():
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def frozen_before() -> None:
    """Collections look at what the test has made: with all SDKs loaded, one takes 0.2 s."""
    gc.freeze()


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    """otelier on, with content, and the local server known as OpenAI (so that it has prices)."""
    host = server.url.removeprefix("http://")
    running = Telemetry().start(provider_hosts=f"{host}=openai")
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


@pytest.fixture(autouse=True)
def uninstrumented() -> Iterator[None]:
    """A test that fails half-way leaves nothing instrumented, and no failure to the next one."""
    guard._counts.clear()
    yield
    otelier.uninstrument()
