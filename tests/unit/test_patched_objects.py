"""What is wrapped is pickled and copied as what it is around: methods go to other processes."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from otelier.hooks.patching import Patches


class Runner:
    """A library's class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self) -> str:
        return self.name

    @classmethod
    def make(cls) -> str:
        return cls.__name__

    @staticmethod
    def double(number: int) -> int:
        return 2 * number


def function(number: int) -> int:
    """A library's function."""
    return number + 1


@pytest.fixture
def seen() -> Iterator[list[str]]:
    """What is called, once all is wrapped."""
    called: list[str] = []

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        called.append(wrapped.__name__)
        return wrapped(*args, **kwargs)

    patches = Patches()
    for name in ("run", "make", "double"):
        patches.wrap(Runner, name, wrapper)
    patches.wrap(sys.modules[__name__], "function", wrapper)
    yield called
    patches.undo()


def test_pickled(seen: list[str]) -> None:
    again = pickle.loads(pickle.dumps(Runner("a").run))
    assert again() == "a"
    assert pickle.loads(pickle.dumps(Runner.run))(Runner("b")) == "b"
    assert pickle.loads(pickle.dumps(Runner.make))() == "Runner"
    assert pickle.loads(pickle.dumps(Runner.double))(2) == 4
    assert pickle.loads(pickle.dumps(Runner("a").double))(2) == 4
    assert pickle.loads(pickle.dumps(function)) is function
    # They are ours again.
    assert seen == ["run", "run", "make", "double", "double"]


def test_copied(seen: list[str]) -> None:
    one = Runner("a")
    same, other = copy.copy(one.run), copy.deepcopy(one.run)
    one.name = "b"
    # A method's copy is of the same object, a deep one of a copy of it.
    assert (same(), other()) == ("b", "a")
    assert copy.deepcopy({"f": function, "m": Runner.run})["f"] is function
    assert seen == ["run", "run"]
