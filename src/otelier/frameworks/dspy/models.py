"""Models: what a language model of DSPy's is asked, where no SDK's hook sees it.

``dspy.LM`` asks by LiteLLM, or by DSPy's own client, which both have a hook; what it answers from
its cache is no call. Models and engines of the program's own may ask anybody.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from otelier.frameworks.dspy.asking import aasked, aexecuted, asked, executed, noted
from otelier.hooks import subclasses
from otelier.hooks.patching import Patches

_METHODS: Final = ("__call__", "acall")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the one path of all calls, where there is one; else each class of models."""
    if "aexecute" in module.__dict__:
        patches.wrap(module, "execute", executed)
        patches.wrap(module, "aexecute", aexecuted)
        return "execution.execute"
    base = module.__dict__.get("BaseLM")
    if base is None or "__call__" not in base.__dict__:
        raise LookupError(f"{module.__name__}.BaseLM.__call__")
    for name in ("update_history", "update_global_history"):
        if name in base.__dict__:
            patches.wrap(base, name, noted)
    # Newer versions have one path, which is patched when a model is called for the first time.
    path = _has_path(base)

    def cover(kind: type) -> None:
        if kind is base and path:
            return
        for method in _METHODS:
            function = kind.__dict__.get(method)
            if subclasses.has_a_body(function):
                asynchronous = inspect.iscoroutinefunction(function)
                patches.wrap_loosely(kind, method, aasked if asynchronous else asked)

    subclasses.each(patches, base, cover)
    return "BaseLM.__call__"


def _has_path(base: Any) -> bool:
    code = getattr(inspect.unwrap(base.__dict__["__call__"]), "__code__", None)
    return code is not None and "execute" in (*code.co_names, *code.co_varnames)
