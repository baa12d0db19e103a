"""Methods of classes that the program makes of one of smolagents' own: wrapped where they are."""

from __future__ import annotations

from collections.abc import Callable

from otelier.hooks import subclasses
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper


def cover(
    base: type,
    methods: tuple[str, ...],
    wrapper: Wrapper,
    left_alone: Callable[[type], bool],
    patches: Patches,
) -> None:
    """Wrap the methods of all classes below ``base``, those that there are and that there will be.

    No class is kept alive by it. ``left_alone`` says of which nothing is wrapped.
    """

    def look(kind: type) -> None:
        if kind is base or left_alone(kind):
            return
        for method in methods:
            if subclasses.has_a_body(kind.__dict__.get(method)):
                patches.wrap_loosely(kind, method, wrapper)

    subclasses.each(patches, base, look)
