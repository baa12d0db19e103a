"""A class with all classes that are made of it: what is there, and what is defined later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import wrapt

from otelier import guard
from otelier.hooks.patching import Patches

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
