"""The workflows name targets and Pythons that there are, and may do what they need and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.release import pythons

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
NAMES = ("ci", "docs", "newest", "release")
# What a job may do beyond reading the repository.
MORE = {
    ("docs", "publish"): {"pages": "write", "id-token": "write"},
    ("release", "publish"): {"id-token": "write"},
}
TARGETS = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)}


def read(name: str) -> dict[str, Any]:
    """A workflow; the key ``on`` is a truth value in YAML's older version."""
    read: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return read


def jobs(name: str) -> dict[str, dict[str, Any]]:
    return read(name)["jobs"]  # type: ignore[no-any-return]


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in jobs(name).values():
        yield from job.get("steps", ())


def made(text: str) -> list[str]:
    """The targets that commands make."""
    return re.findall(r"\bmake ([a-z-]+)", text)


def commands(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


def named_pythons(name: str) -> Iterator[str]:
    for job in jobs(name).values():
        yield from job.get("strategy", {}).get("matrix", {}).get("python", ())
        for step in job.get("steps", ()):
            asked = step.get("with", {}).get("python-version", "")
            assert isinstance(asked, str), f"{asked} is a number: 3.10 would be 3.1"
            yield from re.findall(r"^\d[\d.]*$", asked, re.M)


def test_all_workflows_are_looked_at() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{name}.yml" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_each_target_is_one_of_the_makefile(name: str) -> None:
    assert {*made(commands(name))} <= TARGETS
    assert made(commands(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_python_is_claimed(name: str) -> None:
    named = list(named_pythons(name))
    assert named and {*named} <= {*pythons.claimed()}


def test_each_claimed_python_is_tested_and_tried_before_a_release() -> None:
    assert jobs("ci")["test"]["strategy"]["matrix"]["python"] == pythons.claimed()
    for name, job in (("ci", "release-check"), ("release", "build")):
        setup = next(each for each in jobs(name)[job]["steps"] if "python" in each.get("uses", ""))
        assert sorted(setup["with"]["python-version"].split()) == pythons.claimed()


def test_ci_has_all_that_the_script_of_ci_runs() -> None:
    script = [*re.findall(r"^make .*", (ROOT / ".ci" / "run").read_text(), re.M)]
    lines = commands("ci").splitlines()
    assert len(script) > 4
    assert [line for line in script if line not in lines] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_job_may_read_and_what_it_needs_more(name: str) -> None:
    assert read(name)["permissions"] == {"contents": "read"}
    for job, told in jobs(name).items():
        assert told.get("permissions", {}) == MORE.get((name, job), {})
        # A job that calls another workflow has the limits of that one's jobs.
        assert "uses" in told or told["timeout-minutes"] <= 180


@pytest.mark.parametrize("name", NAMES)
def test_a_job_with_rights_runs_nothing_of_the_repository(name: str) -> None:
    for job in (each for of, each in MORE if of == name):
        for step in jobs(name)[job]["steps"]:
            assert "run" not in step and not step["uses"].startswith("actions/checkout")


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_of_a_version_and_of_few_makers(name: str) -> None:
    for step in steps(name):
        if "uses" in step:
            assert re.fullmatch(
                r"actions/[a-z-]+@v\d+|pypa/gh-action-pypi-publish@release/v1", step["uses"]
            )
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("name", NAMES)
def test_no_command_is_put_together_of_what_others_write(name: str) -> None:
    assert "${{" not in commands(name)
    assert "pull_request_target" not in (FOLDER / f"{name}.yml").read_text()


def test_a_release_publishes_the_files_that_were_checked_and_tested() -> None:
    release = jobs("release")
    assert release["build"]["needs"] == "ci" and release["publish"]["needs"] == "build"
    assert "--tag $GITHUB_REF_NAME" in commands("release")
    up = next(each for each in release["build"]["steps"] if "upload" in each.get("uses", ""))
    assert release["publish"]["steps"][0]["with"]["name"] == up["with"]["name"]
