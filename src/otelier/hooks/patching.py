"""Patching, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from types import FunctionType
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt

_ABSENT: Final = object()


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A method of a wrapped function's: programs hand those to other processes, and copy them."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        method = self.__wrapped__
        if type(method) is FunctionType and "<locals>" not in method.__qualname__:
            from pkgutil import resolve_name

            return resolve_name, (f"{method.__module__}:{method.__qualname__}",)
        return method.__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        owner = getattr(self.__wrapped__, "__self__", None)
        if owner is None or isinstance(owner, type):
            return self
        from copy import deepcopy

        copied = deepcopy(owner, memo)
        return self._self_parent.__get__(copied, type(copied))


class _Wrapper(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A wrapped function, which is pickled and copied as the function itself is: by its name."""

    __bound_function_wrapper__ = _Bound

    def __reduce_ex__(self, protocol: Any) -> Any:
        return str(self.__wrapped__.__qualname__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class _Loose(_Wrapper):
    """In a class that may be the program's: sent elsewhere by value, it is the function itself."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy, (self.__wrapped__,)


class Patches:
    """What was patched in one library."""

    def __init__(self) -> None:
        # Emptied when they are taken back. What others hold of our wrappers asks for its length, by
        # C alone, and passes the call through from then on.
        self._live = [True]
        self._done: list[tuple[Any, str, Any, Any]] = []
        self._inside: list[tuple[Any, Any, Any]] = []
        self._undone: list[Callable[[], None]] = []
        # Made where there are any: every library of the table has one of these.
        self._loose: WeakKeyDictionary[type, list[str]] | None = None

    def wrap(self, owner: Any, name: str, wrapper: Callable[[Any, Any, Any, Any], Any]) -> None:
        """Wrap a function of a class or module."""
        self.replace(owner, name, self._wrapped(owner.__dict__[name], wrapper))

    def wrap_loosely(
        self, owner: type, name: str, wrapper: Callable[[Any, Any, Any, Any], Any]
    ) -> None:
        """Wrap a function of a class that may be the program's, and is not kept alive by that."""
        function = owner.__dict__[name]
        if self._is_ours(function):
            return
        setattr(owner, name, self._wrapped(function, wrapper, _Loose))
        if self._loose is None:
            self._loose = WeakKeyDictionary()
        self._loose.setdefault(owner, []).append(name)

    def _wrapped(
        self,
        function: Any,
        wrapper: Callable[[Any, Any, Any, Any], Any],
        made: type[_Wrapper] = _Wrapper,
    ) -> Any:
        live: Any = self._live.__len__
        return made(function, wrapper, enabled=live)

    def wrap_inside(
        self, owner: Any, name: str, wrapper: Callable[[Any, Any, Any, Any], Any]
    ) -> None:
        """Wrap a function of a class inside the wrappers of others, where it has some.

        What others make around a call is then current when ours looks for it, whoever came first.
        """
        outer = None
        target = owner.__dict__[name]
        while isinstance(target, wrapt.FunctionWrapper):
            outer, target = target, target.__wrapped__
        ours = self._wrapped(target, wrapper)
        if outer is None:
            setattr(owner, name, ours)
        else:
            outer.__wrapped__ = ours
        self._inside.append((owner, name, ours))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put ``value`` in the place of an attribute."""
        before = owner.__dict__[name]
        setattr(owner, name, value)
        self._done.append((owner, name, before, value))

    def _is_ours(self, held: Any) -> bool:
        enabled: Any = held._self_enabled if isinstance(held, _Wrapper) else None
        return enabled is not None and enabled.__self__ is self._live

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Give a class an attribute that it has not."""
        if name in owner.__dict__:
            raise LookupError(f"{owner.__name__}.{name} is there already")
        setattr(owner, name, value)
        self._done.append((owner, name, _ABSENT, value))

    def undone(self, callback: Callable[[], None]) -> None:
        """Call this when they are taken back: for what is registered, not patched."""
        self._undone.append(callback)

    def undo(self) -> None:
        """Restore what is still ours; what others wrapped again stays, and passes through."""
        self._live.clear()
        while self._undone:
            self._undone.pop()()
        for owner, name, before, value in reversed(self._done):
            if owner.__dict__.get(name) is not value:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._done.clear()
        for owner, names in list((self._loose or {}).items()):
            for name in names:
                held: Any = owner.__dict__.get(name)
                if self._is_ours(held):
                    setattr(owner, name, held.__wrapped__)
        self._loose = None
        for owner, name, ours in reversed(self._inside):
            # Others may have wrapped ours since, or taken their own away.
            outer, held = None, owner.__dict__[name]
            while held is not ours and isinstance(held, wrapt.FunctionWrapper):
                outer, held = held, held.__wrapped__
            # OpenTelemetry's own unwrap leaves what it found bound to the class.
            if held is not ours and getattr(held, "_self_parent", None) is not ours:
                continue
            if outer is None:
                setattr(owner, name, ours.__wrapped__)
            else:
                outer.__wrapped__ = ours.__wrapped__
        self._inside.clear()
