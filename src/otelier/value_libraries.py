"""How values of libraries are read as JSON data, where the program has imported these.

Looked up by name and taken only where the class really is the library's; nothing is imported. A
library's code runs for its own classes alone, and never for parts that others made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from otelier import statics
from otelier.value_readers import Entry, more

if TYPE_CHECKING:
    from otelier.values import Walk
else:
    Walk = object

_PYDANTIC: Final = frozenset({"pydantic_core"})
_HEAD: Final = 5
_COLUMNS: Final = 20
_ELEMENTS: Final = 64

_TABLES: Final = frozenset({"numpy", "pandas"})


def _numpy_scalar(value: Any, walk: Walk) -> Any:
    generic = statics.loaded("numpy", "generic")
    found = generic.item(value)
    if type(found) is type(value):  # longdouble has no equal in Python.
        return walk.show(float(found)) if statics.genuine(type(value)) else None
    return walk.show(found)


def _numpy_array(value: Any, walk: Walk) -> Any:
    array = statics.loaded("numpy", "ndarray")
    if type(value) is array and value.size <= _ELEMENTS:
        return walk.show(value.tolist())
    shape, dtype = (array.__dict__[name].__get__(value) for name in ("shape", "dtype"))
    found: dict[str, Any] = {"type": statics.name(type(value)), "shape": list(shape)}
    found["dtype"] = str(dtype)
    # To take a part of a subclass runs the subclass.
    if type(value) is array:
        head: Any = value
        while head.ndim > 1:
            head = head[0]
        found["head"] = walk.show(head[:_HEAD].tolist())
    return found


def _pandas_column(value: Any, walk: Walk) -> Any:
    """A series or an index."""
    if not statics.made_by(type(value), _TABLES):
        return walk.named(value)
    found: dict[str, Any] = {"type": statics.name(type(value)), "shape": list(value.shape)}
    found["dtype"] = str(value.dtype)
    if _theirs(value.dtype):
        found["name"] = walk.show(value.name)
        found["head"] = walk.show(getattr(value, "iloc", value)[:_HEAD].tolist())
    return found


def _pandas_frame(value: Any, walk: Walk) -> Any:
    found: dict[str, Any] = {"type": "DataFrame", "shape": list(value.shape)}
    found["columns"] = walk.show(value.columns[:_COLUMNS].tolist())
    if value.shape[1] > _COLUMNS:
        found["columns"].append(more(value.shape[1] - _COLUMNS, "columns"))
    if all(map(_theirs, value.dtypes.iloc[:_COLUMNS].tolist())):
        part = value.iloc[:_HEAD, :_COLUMNS]
        found["head"] = [walk.show(row) for row in part.itertuples(index=False, name=None)]
    return found


def _theirs(dtype: Any) -> bool:
    """Whether a column's type is the library's own: others run code of their own when cut."""
    known = statics.loaded("numpy", "dtype")
    if known is not None and issubclass(type(dtype), known):
        return True
    return statics.made_by(type(dtype), _TABLES)


def _nothing(value: Any, walk: Walk) -> Any:
    return None


def _root(value: Any, walk: Walk) -> Any:
    return walk.show(statics.storage(value).get("root"))


def _url(value: Any, walk: Walk) -> Any:
    held = statics.member(value, "_url")
    return str(held) if statics.made_by(type(held), _PYDANTIC) else walk.named(value)


def _secret(value: Any, walk: Walk) -> Any:
    return "**********"


def _image(value: Any, walk: Walk) -> Any:
    held = statics.storage(value)
    size = held.get("_size", held.get("size"))
    mode = held.get("_mode", held.get("mode"))
    return {"type": "image", "size": walk.show(size), "mode": walk.show(mode)}


KNOWN: Final[Mapping[tuple[str, str], Entry]] = {
    ("pydantic.root_model", "RootModel"): (_root, True),
    ("pydantic.networks", "_BaseUrl"): (_url, True),
    ("pydantic.networks", "_BaseMultiHostUrl"): (_url, True),
    ("pydantic.types", "SecretStr"): (_secret, True),
    ("pydantic.types", "SecretBytes"): (_secret, True),
    ("pydantic.v1.types", "SecretStr"): (_secret, True),
    ("pydantic.v1.types", "SecretBytes"): (_secret, True),
    ("numpy", "generic"): (_numpy_scalar, True),
    ("numpy", "ndarray"): (_numpy_array, True),
    # pandas 3 gives its classes short names.
    ("pandas", "DataFrame"): (_pandas_frame, False),
    ("pandas.core.frame", "DataFrame"): (_pandas_frame, False),
    ("pandas", "Series"): (_pandas_column, True),
    ("pandas.core.series", "Series"): (_pandas_column, True),
    ("pandas", "Index"): (_pandas_column, True),
    ("pandas.core.indexes.base", "Index"): (_pandas_column, True),
    ("pandas.api.typing", "NAType"): (_nothing, False),
    ("pandas.api.typing", "NaTType"): (_nothing, False),
    ("pandas._libs.tslibs.nattype", "NaTType"): (_nothing, False),
    ("pandas._libs.missing", "NAType"): (_nothing, False),
    ("PIL.Image", "Image"): (_image, True),
}
