"""Every question to a local store that holds the workload's spans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otelier.store.engine import Engine
from otelier.store.opening import opened
from tests.backends.truth import Truth
from tests.questions.checks import CHECKS


@pytest.fixture(scope="module")
def store(worked: tuple[Path, Truth]) -> Iterator[Engine]:
    engine = opened(str(worked[0]))
    yield engine
    engine.close()


@pytest.mark.parametrize("name", CHECKS)
def test_answers_are_the_truth(name: str, store: Engine, worked: tuple[Path, Truth]) -> None:
    CHECKS[name](store, worked[1])
