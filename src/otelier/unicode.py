"""Text that every receiver can take.

Half of a surrogate pair has no UTF-8: an exporter that meets one loses the whole batch. PostgreSQL
takes no NUL, in text or as JSON's ``\\u0000``. Both become U+FFFD, Unicode's own replacement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

REPLACEMENT: Final = "\ufffd"
# Python writes no longer numbers (``sys.set_int_max_str_digits``).
_MOST_BITS: Final = 14_000


def clean(text: str) -> str:
    """The text itself where it is well-formed, as nearly all is; exactly a ``str``."""
    if type(text) is not str:
        text = str.__str__(text)
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    return text if text.isascii() else well_formed(text)


def well_formed(text: str) -> str:
    """The text as UTF-8 can hold it, with NUL as it is."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Two halves that stand together are a character, as in UTF-16.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def maybe(text: str | None) -> str | None:
    """The same for text that may be missing."""
    return None if text is None else clean(text)


def cleaned(value: Any) -> Any:
    """JSON data or attributes, with the texts and names in it clean."""
    if issubclass(type(value), str):
        return clean(value)
    if type(value) is dict:
        return {cleaned(name): cleaned(member) for name, member in value.items()}
    if type(value) is list or type(value) is tuple:
        return [cleaned(member) for member in value]
    if type(value) is int and value.bit_length() > _MOST_BITS:
        return f"… [a number of {value.bit_length():,} bits]"
    return value


_Attributes = TypeVar("_Attributes", bound=Mapping[str, Any])


def attributes(found: _Attributes) -> _Attributes:
    """The attributes themselves where all of them are clean, as nearly all are."""
    clear = _clear("".join(found))
    for value in found.values():
        kind = type(value)
        if kind is str:
            clear = clear and "\0" not in value and (value.isascii() or _clear(value))
        elif kind is list or kind is tuple:
            clear = clear and all(map(_clear, value))
        elif kind is not int and kind is not float and kind is not bool:
            clear = False
    if clear:
        return found
    return {clean(name): cleaned(value) for name, value in found.items()}  # type: ignore[return-value]


def _clear(text: Any) -> bool:
    """Whether this is a text of which nothing has to be replaced."""
    if type(text) is not str or "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
