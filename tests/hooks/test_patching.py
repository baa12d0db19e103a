"""Functions that are wrapped, and classes that are wrapped when they are made."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from typing import Any, ClassVar

import pytest

from otelier.hooks import subclasses
from otelier.hooks.patching import Patches


class Base:
    """A library's."""

    def __init__(self) -> None:
        self.said = ["a"]

    def ask(self) -> str:
        return "".join(self.said)


def ask() -> str:
    return "asked"


def through(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs) + "!"


@pytest.fixture
def patches() -> Any:
    made = Patches()
    yield made
    made.undo()


def test_methods_are_pickled_and_copied_as_they_would_be(patches: Patches) -> None:
    import tests.hooks.test_patching as here

    base = Base()
    bare = pickle.dumps(base.ask), pickle.dumps(Base.ask), pickle.dumps(ask)
    patches.wrap(Base, "ask", through)
    patches.wrap(here, "ask", through)
    wrapped = pickle.dumps(base.ask), pickle.dumps(Base.ask), pickle.dumps(here.ask)
    assert [pickle.loads(each) for each in bare][2] is here.ask
    for method, function, free in (bare, wrapped):
        assert pickle.loads(method)() == "a!"
        assert pickle.loads(function)(base) == "a!"
        assert pickle.loads(free)() == "asked!"
    other = copy.deepcopy({"base": base, "ask": base.ask})
    other["base"].said.append("b")  # type: ignore[union-attr]
    assert other["ask"]() == "ab!"  # type: ignore[operator]
    assert base.ask() == copy.copy(base.ask)() == "a!"
    assert copy.deepcopy(Base.ask)(base) == "a!"
    assert copy.deepcopy(here.ask)() == "asked!"

    class Local(Base):
        def ask(self) -> str:
            return "local"

    patches.wrap(Local, "ask", through)
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(Local.ask)


def look(patches: Patches) -> Any:
    def wrap(kind: type) -> None:
        if subclasses.has_a_body(vars(kind).get("ask")):
            patches.wrap_loosely(kind, "ask", through)

    return wrap


def test_classes_of_before_and_after_are_wrapped_once_and_not_kept() -> None:
    class Before(Base):
        def ask(self) -> str:
            return "before"

    patches = Patches()
    subclasses.each(patches, Base, look(patches))
    subclasses.each(patches, Before, look(patches))

    class After(Before):
        def ask(self) -> str:
            return super().ask() + " after"

    assert Base().ask() == "a!"
    assert Before().ask() == "before!"
    assert After().ask() == "before! after!"
    held = weakref.ref(After)
    del After
    gc.collect()
    assert held() is None
    patches.undo()
    assert Base().ask() == "a"
    assert Before().ask() == "before"
    assert inspect.isfunction(vars(Before)["ask"])
    assert not hasattr(vars(Before)["ask"], "__wrapped__")
    assert "__init_subclass__" not in vars(Base)


def test_a_class_that_hears_of_others_itself(patches: Patches) -> None:
    class Hears:
        heard: ClassVar[list[tuple[type, Any]]] = []

        def __init_subclass__(cls, colour: str | None = None, **more: Any) -> None:
            super().__init_subclass__(**more)
            cls.heard.append((cls, colour))

    subclasses.each(patches, Hears, look(patches))

    class After(Hears, colour="red"):
        def ask(self) -> str:
            return "after"

    assert Hears.heard == [(After, "red")]
    assert After().ask() == "after!"
    patches.undo()
    assert After().ask() == "after"

    class Later(Hears):
        def ask(self) -> str:
            return "later"

    assert Hears.heard == [(After, "red"), (Later, None)]
    assert Later().ask() == "later"


def test_what_fails_here_does_not_keep_a_class_from_being_made(patches: Patches) -> None:
    from otelier import guard

    def fail(kind: type) -> None:
        raise RuntimeError

    class Root:
        pass

    subclasses.each(patches, Root, fail)

    class After(Root):
        pass

    assert guard.failures()["subclasses.heard"] == 2
    with pytest.raises(TypeError, match="no keyword arguments"):
        type("Bad", (Root,), {}, colour="red")
