"""What is known of the program's objects is kept beside them, for programs pickle and copy them.

Where a method of theirs is to be seen, that of the class is wrapped when its first object comes. It
finds what is known by the object's identity. When an object is let go of, so is that.
"""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

from otelier import guard
from otelier.hooks.patching import Patches

T = TypeVar("T")
# (the table, the class's method) -> what takes its place.
Wrap: TypeAlias = "Callable[[Any, Any], Any]"
_tables: Final[list[Beside[Any]]] = []


class Beside(Generic[T]):
    """What is known of objects of some kind; one for each kind and process."""

    def __init__(self, methods: Mapping[str, Wrap] | None = None) -> None:
        self._methods = methods or {}
        self._held: dict[int, tuple[weakref.ref[Any], T]] = {}
        self._lock = threading.Lock()
        self._seen: weakref.WeakSet[type] = weakref.WeakSet()
        self._patches = Patches()
        # Whether the classes are to be restored, once nothing is watched any more.
        self._over = False
        _tables.append(self)

    def put(self, thing: Any, known: T) -> T:
        """Keep ``known`` beside ``thing``. Raises TypeError for what cannot be held weakly."""
        self._over = False
        if type(thing) not in self._seen:
            self._watch(type(thing))
        key = id(thing)
        self._held[key] = weakref.ref(thing, lambda _: self._pop(key)), known
        return known

    def of(self, thing: Any) -> T | None:
        """What is known of ``thing``."""
        held = self._held.get(id(thing))
        return None if held is None or held[0]() is not thing else held[1]

    def drop(self, thing: Any) -> None:
        """Nothing more is to be known of ``thing``."""
        if self.of(thing) is not None:
            self._pop(id(thing))

    def _pop(self, key: int) -> None:
        self._held.pop(key, None)
        if self._over and not self._held:
            self.restore()

    def _watch(self, kind: type) -> None:
        with self._lock:
            for name, wrap in self._methods.items():
                owner = next((each for each in kind.__mro__ if name in each.__dict__), None)
                if owner is None:
                    continue
                method = owner.__dict__[name]
                if getattr(method, "__otelier__", None) is not self:
                    ours = wrap(self, method)
                    ours.__otelier__ = self
                    self._patches.replace(owner, name, ours)
            self._seen.add(kind)

    def restore(self) -> None:
        """Give the classes their methods back, now or when nothing is watched any more."""
        self._over = True
        if not self._held:
            self._patches.undo()
            self._seen.clear()


class InPlace:
    """Stands in a program's object in the place of ``_inner``: is pickled and copied as that."""

    __slots__ = ()
    _inner: Any

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A function of Python's own that gives what it gets: who loads it need not have otelier.
        return cast, (object, self._inner)

    def __copy__(self) -> Any:
        return copy.copy(self._inner)

    def __deepcopy__(self, memo: Any) -> Any:
        return copy.deepcopy(self._inner, memo)


def restore() -> None:
    """The classes as they were; calls that are under way end as they began."""
    for table in _tables:
        try:
            table.restore()
        except Exception:
            guard.failed("beside.restore")
