"""Methods of classes that the program makes of one of smolagents' own: wrapped where they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

import wrapt

from otelier import guard
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper


def cover(
    base: Any,
    methods: tuple[str, ...],
    wrapper: Wrapper,
    left_alone: Callable[[type], bool],
    patches: Patches,
) -> None:
    """Wrap the methods of all classes below ``base``, those that there are and that there will be.

    No class is kept alive by it. ``left_alone`` says of which nothing is wrapped.
    """
    covered: WeakSet[Any] = WeakSet()

    def wrap(kind: Any) -> None:
        try:
            if left_alone(kind):
                return
            for method in methods:
                function = kind.__dict__.get(method)
                if inspect.isfunction(function):
                    setattr(kind, method, wrapt.FunctionWrapper(function, wrapper))
                    covered.add(kind)
        except Exception:
            guard.failed("smolagents.cover")

    def uncover() -> None:
        for kind in list(covered):
            for method in methods:
                held = kind.__dict__.get(method)
                if type(held) is wrapt.FunctionWrapper and held._self_wrapper is wrapper:
                    setattr(kind, method, held.__wrapped__)

    def made(kind: type[Any], /, **kwargs: Any) -> None:
        super(base, kind).__init_subclass__(**kwargs)
        wrap(kind)

    # Before others are made in another thread.
    patches.add(base, "__init_subclass__", classmethod(made))
    for each in list(_below(base)):
        wrap(each)
    patches.undone(uncover)


def _below(base: type) -> Iterator[type]:
    found: list[type] = type.__subclasses__(base)
    for kind in found:
        yield kind
        yield from _below(kind)
