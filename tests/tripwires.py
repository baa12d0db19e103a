"""Objects of a program's that note whatever is done to them, down to a look at their class."""

from __future__ import annotations

from typing import Any

touched: list[str] = []

_SPECIAL = [
    "__repr__",
    "__str__",
    "__bytes__",
    "__format__",
    "__hash__",
    "__bool__",
    "__len__",
    "__length_hint__",
    "__iter__",
    "__next__",
    "__reversed__",
    "__contains__",
    "__getitem__",
    "__missing__",
    "__call__",
    "__enter__",
    "__exit__",
    "__int__",
    "__float__",
    "__index__",
    "__complex__",
    "__abs__",
    "__add__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__dir__",
    "__sizeof__",
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__copy__",
    "__deepcopy__",
    "__fspath__",
    "__await__",
    "__aiter__",
    "__anext__",
    "__del__",
    "__get__",
    "__set__",
    "__array__",
    "__iadd__",
    "__or__",
    "__ror__",
    "__radd__",
    "__instancecheck__",
    "__subclasscheck__",
]
# What libraries and readers of values ask for by name.
_NAMED = [
    "isoformat",
    "hex",
    "urn",
    "value",
    "items",
    "keys",
    "values",
    "get",
    "tolist",
    "item",
    "shape",
    "dtype",
    "head",
    "model_dump",
    "dict",
    "to_dict",
    "json",
    "model_fields",
    "__fields__",
    "ListFields",
    "__dataclass_fields__",
    "__attrs_attrs__",
    "_fields",
    "__pydantic_extra__",
    "status_code",
    "headers",
    "trailing_metadata",
]


def _noting(name: str, original: Any = None) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        touched.append(name)
        if original is not None:
            return original(self, *args, **kwargs)
        raise RuntimeError(f"{name} was run")

    method.__name__ = name
    return method


class Meta(type):
    """The metaclass: even the class may not be asked but by the interpreter's own descriptors."""

    def __getattribute__(cls, name: str) -> Any:
        touched.append(f"class.{name}")
        return type.__getattribute__(cls, name)

    def __hash__(cls) -> int:
        touched.append("class.__hash__")
        return type.__hash__(cls)

    def __eq__(cls, other: object) -> bool:
        touched.append("class.__eq__")
        return cls is other

    def __instancecheck__(cls, value: Any) -> bool:
        touched.append("class.__instancecheck__")
        return type.__instancecheck__(cls, value)


def _getattribute(self: Any, name: str) -> Any:
    touched.append(f".{name}")
    return object.__getattribute__(self, name)


_BODY: dict[str, Any] = {
    **{name: _noting(name) for name in _SPECIAL if name not in ("__del__", "__get__", "__set__")},
    "__getattribute__": _getattribute,
    "__getattr__": _noting("__getattr__"),
    "__class__": property(_noting("__class__")),
    "__dict__": property(_noting("__dict__")),
    "__hash__": _noting("__hash__", object.__hash__),
}
Tripwire = Meta("Tripwire", (), dict(_BODY))


def _member(name: str) -> Any:
    return property(_noting(name))


# Looks like everything that a reader of values might know, by its attributes alone.
Lookalike: Any = type("Lookalike", (), {name: _member(name) for name in _NAMED if name[:2] != "__"})


class Mimic:
    """Answers any attribute, and says that it has each."""

    def __getattr__(self, name: str) -> Any:
        touched.append(name)
        return Mimic()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        touched.append("call")
        return Mimic()


class LoudDict(dict[Any, Any]):
    """A dict that notes what is done to it through its own methods."""


class LoudList(list[Any]):
    """A list that notes what is done to it through its own methods."""


class LoudText(str):
    """A text that notes what is done to it through its own methods."""


class LoudNumber(int):
    """A number that notes what is done to it through its own methods."""


class LoudFloat(float):
    """A number that notes what is done to it through its own methods."""


class LoudError(Exception):
    """An exception with properties."""

    status_code = property(_noting("status_code"))
    response = property(_noting("response"))
    body = property(_noting("body"))

    def __getattribute__(self, name: str) -> Any:
        touched.append(name)
        return Exception.__getattribute__(self, name)


_LEFT = (
    *("__new__", "__init__", "__class__", "__init_subclass__", "__subclasshook__"),
    *("__getattribute__", "__setattr__", "__delattr__", "__class_getitem__"),
)
for _kind in (LoudDict, LoudList, LoudText, LoudNumber, LoudFloat):
    _base = _kind.__bases__[0]
    for _name in dir(_base):
        _own = getattr(_base, _name)
        _static = isinstance(_base.__dict__.get(_name), classmethod | staticmethod)
        if callable(_own) and _name not in _LEFT and not _static:
            setattr(_kind, _name, _noting(f"{_kind.__name__}.{_name}", _own))


def everything() -> dict[str, Any]:
    """One of each."""
    return {
        "tripwire": Tripwire(),
        "class": Tripwire,
        "lookalike": Lookalike(),
        "mimic": Mimic(),
        "dict": LoudDict(a=1),
        "list": LoudList([1, 2]),
        "text": LoudText("said"),
        "number": LoudNumber(7),
        "float": LoudFloat(0.5),
        "error": LoudError("what it says"),
        "error of": ValueError(Tripwire()),
        "nested": {"in": [Tripwire(), (Tripwire(),), {1: Tripwire()}]},
    }
