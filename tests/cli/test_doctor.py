"""``otelier doctor``: the facts, a remedy per problem, and never a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from otelier.cli import doctor as main
from otelier.prices import sources
from otelier.settings import Settings
from tests.servers import ProviderServer

SECRET = "sk-very-secret-0123456789"


def doctor(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otelier.cli", "doctor"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_http_libraries_if_asked_for(tmp_path: Path, server: ProviderServer) -> None:
    done = doctor(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    assert "httpx2._client.{,Async}Client.send" not in done.stdout
    done = doctor(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=server.url, OTELIER_HTTP="true")
    assert "hooked at httpx2._client.{,Async}Client.send" in done.stdout


def test_all_is_well(tmp_path: Path, server: ProviderServer) -> None:
    done = doctor(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "ARE captured" in lines[1]
    assert "NO_CONTENT switches that off" in lines[2]
    assert any("openai" in line and "hooked at openai._base_client" in line for line in lines)
    assert any("its own telemetry: switched off" in line for line in lines)
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={server.url}" in done.stdout
    assert f"\nPrices\n  genai-prices {version('genai-prices')} (" in done.stdout
    assert done.stdout.endswith("Problems\n  none\n")


def test_a_price_list_that_cannot_be_read_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no such clause")

    monkeypatch.setattr(sources, "ready", lambda: None)
    monkeypatch.setattr(sources, "build", broken)
    lines, (problem,) = main._prices(Settings())
    assert not lines
    assert "ValueError" in problem.what
    assert "no cost" in problem.what
    assert main._prices(Settings(cost=False)) == (["off: OTELIER_COST"], [])


@pytest.mark.parametrize(
    ("env", "what", "remedy"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "nothing is recorded", "Unset"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "spans go nowhere", "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "Nothing answers at", "collector"),
        ({"OTELIER_BLOBS": "pink"}, "OTELIER_BLOBS has a value", "Correct"),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, "cuts messages", "MESSAGE_BYTES"),
        ({"OTELIER_MASK": "no.such:thing"}, "does not name a function", "module:function"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "drops every span", "another"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "Port 4317",
            "4318",
        ),
    ],
)
def test_each_problem_has_a_remedy(
    tmp_path: Path, env: dict[str, str], what: str, remedy: str
) -> None:
    done = doctor(tmp_path, **{"OTEL_TRACES_EXPORTER": "otlp", **env})
    assert done.returncode == 1
    problems = done.stdout.partition("Problems\n")[2].splitlines()
    at = next(number for number, line in enumerate(problems) if what in line)
    assert remedy in problems[at + 1]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    done = doctor(
        tmp_path,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://user:{SECRET}@127.0.0.1:1/x?key={SECRET}",
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer {SECRET}",
        OTELIER_BLOB_URI=f"s3://{SECRET}@bucket/x?sig={SECRET}",
        OTELIER_MASK=SECRET,
        OPENAI_API_KEY=SECRET,
    )
    assert SECRET not in done.stdout + done.stderr
    assert "OTEL_EXPORTER_OTLP_HEADERS=(set, not shown)" in done.stdout


def test_disabled_libraries_are_named(tmp_path: Path) -> None:
    done = doctor(tmp_path, OTELIER_DISABLED="anthropic", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stdout
    assert any(
        "anthropic" in line and "disabled by a setting" in line for line in done.stdout.splitlines()
    )


def test_what_is_not_seen_is_told(tmp_path: Path) -> None:
    done = doctor(tmp_path, OTEL_TRACES_EXPORTER="console")
    assert "  not seen: openai realtime.translations.connect" in done.stdout
    done = doctor(tmp_path, OTELIER_DISABLED="openai", OTEL_TRACES_EXPORTER="console")
    assert "not seen: openai" not in done.stdout
