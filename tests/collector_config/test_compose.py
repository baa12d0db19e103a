"""Compose files: pinned images, mounted files that exist, ports on the loopback interface."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CONFIGS = Path(__file__).resolve().parents[2] / "collector-config"
FOLDERS = sorted(path.parent for path in CONFIGS.glob("*/README.md"))
_PINNED = re.compile(r":(v|version-)?\d+\.\d+(\.\d+)*(-[\w.]+)?$")


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def services(folder: Path) -> dict[str, Any]:
    """The services of a folder's compose file."""
    found: dict[str, Any] = yaml.safe_load((folder / "docker-compose.yaml").read_text())["services"]
    return found


def test_images_are_pinned(folder: Path) -> None:
    for name, service in services(folder).items():
        assert _PINNED.search(service["image"]), f"{name}: {service['image']}"


def test_mounted_files_exist(folder: Path) -> None:
    given = yaml.safe_load((folder / "docker-compose.yaml").read_text())
    for service in services(folder).values():
        for mount in service.get("volumes", ()):
            source, target = mount.split(":")[:2]
            assert target.startswith("/")
            if not source.startswith("."):
                assert source in given["volumes"]
            elif not mount.endswith(":ro"):
                continue  # made by compose, to be written to
            elif not source.startswith(_MADE_BY_USER):
                assert (folder / source).exists(), mount


# What the README tells to make: never in the repository.
_MADE_BY_USER = ("./certificates/", "./secrets")


def test_collector_commands_name_mounted_files(folder: Path) -> None:
    for service in services(folder).values():
        targets = [mount.split(":")[1] for mount in service.get("volumes", ())]
        for word in service.get("command", ()):
            path = str(word).removeprefix("--config=").removeprefix("--config.file=")
            if path.startswith("/etc/") and path.endswith(".yaml"):
                assert any(path == t or path.startswith(t + "/") for t in targets), word


def test_ports_are_not_open_to_the_world(folder: Path) -> None:
    for service in services(folder).values():
        for port in service.get("ports", ()):
            assert str(port).startswith("127.0.0.1:"), port


def test_each_folder_is_in_the_index(folder: Path) -> None:
    index = (CONFIGS / "README.md").read_text()
    assert f"[{folder.name}]({folder.name}/)" in index
