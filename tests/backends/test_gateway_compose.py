"""gateway: docker-compose.yaml fits the files that it mounts. No docker is needed or run."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.backends.gateways import HERE

COMPOSE: dict[str, Any] = yaml.safe_load((HERE / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MADE = {"ca.pem", "gateway.pem", "gateway-key.pem"}


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """What is mounted, by where."""
    return {each.split(":")[1]: each.split(":")[0] for each in service.get("volumes", ())}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_fits_its_files(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "otel/opentelemetry-collector-contrib:0.145.0"
    files = mounted(service)
    config = HERE / files[service["command"][-1]]
    known = set(re.findall(r"\$\{env:(\w+)", config.read_text())) | {"GOMEMLIMIT"}
    assert set(service.get("environment", {})) <= known
    required = set(re.findall(r"\$\{env:(\w+)\}", config.read_text()))
    assert required <= set(service.get("environment", {}))
    for inside, outside in files.items():
        if not outside.startswith("."):
            assert outside in COMPOSE["volumes"]
            # Where the queue is.
            assert f":-{inside}/" in config.read_text()
        elif inside.startswith("/certs/"):
            assert outside.removeprefix("./certificates/") in MADE
            assert f":-{inside}}}" in config.read_text()
        else:
            assert (HERE / outside).is_file()
    assert all(each.startswith("127.0.0.1:") for each in service.get("ports", ()))


def test_the_services_know_each_other() -> None:
    agent = (HERE / "agent-fixed.yaml").read_text()
    for name in ("gateway-1", "gateway-2"):
        assert f":-{name}:4317}}" in agent
        assert SERVICES[name]["environment"]["ACME_ENDPOINT"] == "http://backend:4318"
        assert set(SERVICES) == {"agent", "gateway-1", "gateway-2", "backend"}


def test_no_secret_is_in_the_files() -> None:
    for path in HERE.iterdir():
        if path.is_file():
            assert "PRIVATE KEY" not in path.read_text()
    for service in SERVICES.values():
        token = service.get("environment", {}).get("GATEWAY_TOKEN", "${GATEWAY_TOKEN:?")
        assert token.startswith("${GATEWAY_TOKEN:?")
