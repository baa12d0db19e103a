"""Defaults: nobody who copies a command of a README opens a port to the network by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.backends import questions

CONFIGS = Path(__file__).resolve().parents[2] / "collector-config"
FOLDERS = sorted(path.parent for path in CONFIGS.glob("*/README.md"))
YAMLS = sorted(
    path
    for folder in FOLDERS
    for path in folder.rglob("*.yaml")
    if path.name != "docker-compose.yaml"
)
# The one that is reached from elsewhere, by TLS and token.
GUARDED = ("gateway/gateway.yaml", "receivers/otlp/")
_DEFAULT = re.compile(r"\$\{(?:env:)?(\w+)(?::-([^}]*))?\}")
# Each address of the machine's own, and none: Go's programs take ":4317" for all of them.
_ALL = re.compile(r"^(\[?::\]?|0\.0\.0\.0)?(:\d+)?$|^\*")
_LISTENING = re.compile(
    r"^(receivers/.*/(endpoint|listen_address)"
    r"|extensions/.*/endpoint"
    r"|exporters/prometheus[^/]*/endpoint"
    r"|.*/prometheus/host"
    r"|.*/?(http|grpc)_listen_address"
    r"|distributor/receivers/.*/endpoint)$"
)


def leaves(told: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The values of a YAML file by where they are."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from leaves(value, f"{path}/{key}" if path else str(key))
    elif isinstance(told, list):
        for value in told:
            yield from leaves(value, path)
    else:
        yield path, "" if told is None else str(told)


def defaults(text: str) -> str:
    """A value as it is where no environment variable is set."""
    return _DEFAULT.sub(lambda found: found[2] or "", text)


def listeners(path: Path) -> dict[str, str]:
    """The addresses that a file's program listens on, by where they are."""
    told = yaml.safe_load(path.read_text())
    return {at: defaults(text) for at, text in leaves(told) if _LISTENING.search(at)}


def name(path: Path) -> str:
    return path.relative_to(CONFIGS).as_posix()


def open_ones(path: Path) -> list[str]:
    """Where a file listens on all addresses unless it is told otherwise."""
    return [
        at
        for at, text in listeners(path).items()
        if _ALL.search(text) and not (name(path) == GUARDED[0] and at.startswith(GUARDED[1]))
    ]


@pytest.mark.parametrize("path", YAMLS, ids=name)
def test_nothing_listens_on_all_addresses_by_default(path: Path) -> None:
    assert open_ones(path) == []
    # Nor anywhere that is not known here as an address.
    others = [
        at
        for at, text in leaves(yaml.safe_load(path.read_text()))
        if defaults(text).startswith(("0.0.0.0", "[::]"))
        and not (name(path) == GUARDED[0] and at.startswith(GUARDED[1]))
    ]
    assert others == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_no_command_of_a_readme_opens_a_port(folder: Path) -> None:
    assert "0.0.0.0" not in (folder / "README.md").read_text()


def collectors() -> list[Path]:
    """The configurations of collectors, but for those that change another one."""
    return [
        path
        for path in YAMLS
        if {"service", "receivers"} <= set(yaml.safe_load(path.read_text()) or {})
    ]


@pytest.mark.parametrize("path", collectors(), ids=name)
def test_it_listens_for_otlp(path: Path) -> None:
    # Else the test above would find nothing wrong with a file that it does not understand.
    found = [at for at in listeners(path) if at.startswith("receivers/otlp/")]
    assert [at.split("/")[3] for at in found] == ["grpc", "http"]


@pytest.mark.parametrize("path", collectors(), ids=name)
def test_the_collector_shows_its_own_metrics(path: Path) -> None:
    # Without them nobody can be told of dropped spans.
    told = yaml.safe_load(path.read_text())["service"]["telemetry"]["metrics"]
    assert told.get("level") != "none"
    (reader,) = told["readers"]
    shown = reader["pull"]["exporter"]["prometheus"]
    assert defaults(shown["host"]) == "127.0.0.1"
    assert shown["port"].startswith("${env:")


@pytest.mark.parametrize("path", collectors(), ids=name)
def test_large_spans_are_taken(path: Path) -> None:
    otlp = yaml.safe_load(path.read_text())["receivers"]["otlp"]["protocols"]
    assert otlp["grpc"]["max_recv_msg_size_mib"] == 64
    assert otlp["http"]["max_request_body_size"] == 64 << 20


@pytest.mark.parametrize("path", YAMLS, ids=name)
def test_nothing_is_kept_where_a_restart_of_the_machine_clears(path: Path) -> None:
    kept = [at for at, text in leaves(yaml.safe_load(path.read_text())) if "/tmp" in defaults(text)]
    assert kept == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_variables_of_compose_are_told_of_and_set_by_no_shell(folder: Path) -> None:
    used = set(re.findall(r"\$\{(\w+)", (folder / "docker-compose.yaml").read_text()))
    # Bash has these and does not export them.
    assert not used & {"UID", "EUID", "GID", "HOSTNAME"}
    readme = (folder / "README.md").read_text()
    assert [each for each in used if each not in readme] == []


def test_only_the_gateway_is_reached_from_elsewhere_and_by_tls_and_token() -> None:
    told = yaml.safe_load((CONFIGS / GUARDED[0]).read_text())
    for protocol in told["receivers"]["otlp"]["protocols"].values():
        assert defaults(protocol["endpoint"]).startswith("0.0.0.0:")
        assert protocol["tls"]["cert_file"] and protocol["tls"]["key_file"]
        assert protocol["auth"]["authenticator"] in told["extensions"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_containers_listen_where_ports_are_published(folder: Path) -> None:
    """A published port is of no use while the program in the container listens to itself alone."""
    services = yaml.safe_load((folder / "docker-compose.yaml").read_text())["services"]
    for service in services.values():
        published = {str(port).rpartition(":")[2] for port in service.get("ports", ())}
        given = settings(service)
        for source in mounted(folder, service):
            for text in listeners_raw(source):
                host, _, port = resolved(text, given).rpartition(":")
                if port in published:
                    assert host in ("0.0.0.0", ""), f"{name(source)}: {text}"


def settings(service: dict[str, Any]) -> dict[str, str]:
    """The environment of a service."""
    told = service.get("environment") or {}
    if isinstance(told, list):
        told = dict(each.split("=", 1) for each in told)
    return {key: str(value) for key, value in told.items()}


def mounted(folder: Path, service: dict[str, Any]) -> list[Path]:
    """The YAML files that a service gets."""
    sources = [folder / str(mount).split(":")[0] for mount in service.get("volumes", ())]
    return [each.resolve() for each in sources if each.suffix == ".yaml" and each.is_file()]


def listeners_raw(path: Path) -> list[str]:
    """What a file says of its addresses, hosts with their ports."""
    told = dict(leaves(yaml.safe_load(path.read_text())))
    found = []
    for at, text in told.items():
        if not _LISTENING.search(at):
            continue
        base, _, last = at.rpartition("/")
        if last == "host":
            text = f"{text}:{told[base + '/port']}"
        elif last.endswith("_listen_address"):
            port = told.get(at.removesuffix("address") + "port", "")
            text = f"{text}:{port}"
        found.append(text)
    return found


def resolved(text: str, given: dict[str, str]) -> str:
    """A value as it is with an environment."""
    return _DEFAULT.sub(lambda found: given.get(found[1], found[2] or ""), text)


def test_saved_searches_of_jaeger_are_those_of_the_table() -> None:
    said = re.findall(r"`(/(?:search|trace)[^`]*)`", (CONFIGS / "jaeger" / "README.md").read_text())
    known = {query for each in questions.queries("Jaeger").values() for query in each}
    assert said and set(said) <= known
