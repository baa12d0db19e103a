"""Functions that other modules have by name as well."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from otelier.hooks.patching import Patches


def wrap(
    patches: Patches,
    module: Any,
    name: str,
    wrapper: Callable[[Any, Any, Any, Any], Any],
    others: Iterable[str],
) -> None:
    """Wrap a function of ``module``, also in those of ``others`` that have taken it already.

    What they have may be a wrapper of ours of an earlier time, which only passes calls through.
    """
    original = vars(module)[name]
    patches.wrap(module, name, wrapper)
    for other in others:
        loaded = sys.modules.get(other)
        held = vars(loaded).get(name) if loaded is not None else None
        if held is not None and getattr(held, "__wrapped__", held) is original:
            patches.replace(loaded, name, vars(module)[name])
