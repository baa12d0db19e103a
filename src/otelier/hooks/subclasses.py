"""A class with all classes that are made of it: what is there, and what is defined later."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

import wrapt

from otelier import guard
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper

_HEARS = "__init_subclass__"


def each(patches: Patches, base: type, look: Callable[[type], None]) -> None:
    """Call ``look`` once with the class, with each one that is made of it, and with those to come.

    One whose other bases keep ``__init_subclass__`` to themselves is not heard of; what it
    inherits is looked at where it is defined.
    """
    live = [True]

    def heard(made: type) -> None:
        try:
            if live:
                look(made)
        except Exception:
            guard.failed("subclasses.heard")

    if _HEARS in base.__dict__:

        def run(wrapped: Callable[..., Any], made: Any, args: Any, kwargs: Any) -> Any:
            result = wrapped(*args, **kwargs)
            heard(made)
            return result

        patches.wrap(base, _HEARS, run)
    else:

        def hear(made: Any, /, **options: Any) -> None:
            above: Any = super(base, made)
            above.__init_subclass__(**options)
            heard(made)

        patches.add(base, _HEARS, classmethod(hear))
    # Others may hold what was added: a class that is being made just now.
    patches.undone(live.clear)
    for found in _with_all_below(base):
        heard(found)


def cover(
    patches: Patches,
    base: type,
    methods: Iterable[str],
    wrappers: tuple[Wrapper, Wrapper],
    left_alone: Callable[[type], bool] = lambda kind: False,
) -> None:
    """Wrap these methods of all classes that are made of ``base``, now and later, not its own.

    ``wrappers`` are the one of functions and that of coroutine functions; ``left_alone`` says of
    which class nothing is wrapped.
    """

    def look(kind: type) -> None:
        if kind is base or left_alone(kind):
            return
        for method in methods:
            function = kind.__dict__.get(method)
            if has_a_body(function):
                asynchronous = inspect.iscoroutinefunction(function)
                patches.wrap_loosely(kind, method, wrappers[asynchronous])

    each(patches, base, look)


def has_a_body(value: Any) -> bool:
    """Whether what a class has under a name is a function that can be wrapped."""
    while issubclass(type(value), wrapt.FunctionWrapper):
        value = value.__wrapped__
    return type(value) is FunctionType and not hasattr(value, "__isabstractmethod__")


def _with_all_below(base: type) -> Iterator[type]:
    seen: set[type] = set()
    found = [base]
    while found:
        kind = found.pop()
        if kind not in seen:
            seen.add(kind)
            yield kind
            found += type.__subclasses__(kind)
