"""Models: what a language model of DSPy's is asked, where no SDK's hook sees it.

``dspy.LM`` asks by LiteLLM, or by DSPy's own client, which both have a hook; what it answers from
its cache is no call. Models and engines of the program's own may ask anybody.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from otelier import guard
from otelier.frameworks.dspy import methods
from otelier.frameworks.dspy.asking import aasked, aexecuted, asked, executed, noted
from otelier.hooks.patching import Patches

# Classes, and of each the methods, as they were and as they are.
_Covered: TypeAlias = WeakKeyDictionary[Any, list[tuple[str, Any, Any]]]
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
    covered: _Covered = WeakKeyDictionary()
    live = methods.living(patches)
    _follow(base, covered, live, patches)
    for name in ("update_history", "update_global_history"):
        if name in base.__dict__:
            patches.wrap(base, name, noted)
    # Newer versions have one path, which is patched when a model is called for the first time.
    if not _has_path(base):
        _cover(base, covered, live)
    for each in list(_below(base)):
        _cover(each, covered, live)
    patches.undone(lambda: _uncover(covered))
    return "BaseLM.__call__"


def _has_path(base: Any) -> bool:
    code = getattr(inspect.unwrap(base.__dict__["__call__"]), "__code__", None)
    return code is not None and "execute" in (*code.co_names, *code.co_varnames)


def _follow(base: Any, covered: _Covered, live: list[bool], patches: Patches) -> None:
    """Cover the classes that there will be."""

    def begin(kind: type[Any], /, **kwargs: Any) -> None:
        super(base, kind).__init_subclass__(**kwargs)
        _cover(kind, covered, live)

    def made(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        _cover(owner, covered, live)
        return result

    if "__init_subclass__" in base.__dict__:
        patches.wrap(base, "__init_subclass__", made)
    else:
        patches.add(base, "__init_subclass__", classmethod(begin))


def _below(base: type) -> Iterator[type]:
    found: list[type] = type.__subclasses__(base)
    for kind in found:
        yield kind
        yield from _below(kind)


def _cover(kind: Any, covered: _Covered, live: list[bool]) -> None:
    try:
        for method in _METHODS:
            function = kind.__dict__.get(method)
            if not inspect.isfunction(function) or getattr(function, "__isabstractmethod__", False):
                continue
            wrapper = methods.around(function, asked, aasked, live)
            setattr(kind, method, wrapper)
            covered.setdefault(kind, []).append((method, function, wrapper))
    except Exception:
        guard.failed("dspy.cover")


def _uncover(covered: _Covered) -> None:
    for kind, done in list(covered.items()):
        for method, function, wrapper in done:
            if kind.__dict__.get(method) is wrapper:
                setattr(kind, method, function)
    covered.clear()
