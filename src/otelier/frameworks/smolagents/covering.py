"""Methods of classes that the program makes of one of smolagents' own: wrapped where they are."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

import wrapt

from otelier import guard
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper


class _Wrapped(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """In a class of the program's; whoever pickles that has the program's own function."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy.copy, (self.__wrapped__,)


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
                    setattr(kind, method, _Wrapped(function, wrapper))
                    covered.add(kind)
        except Exception:
            guard.failed("smolagents.cover")

    def uncover() -> None:
        for kind in list(covered):
            for method in methods:
                held = kind.__dict__.get(method)
                if type(held) is _Wrapped and held._self_wrapper is wrapper:
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
