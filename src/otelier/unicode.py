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
    return well_formed(text)


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
    """The attributes themselves where all of them are clean: one look for them together."""
    try:
        # A half at the end of one and another at the start of the next are no pair.
        texts = "\n".join(
            [
                value
                if type(value) is str
                else ""
                if type(value) is int or type(value) is float or type(value) is bool
                else _listed(value)
                for value in found.values()
            ]
        )
        whole = "\n".join(found) + texts
        if "\0" not in whole and (whole.isascii() or whole.encode()):
            return found
    except (TypeError, UnicodeEncodeError):
        pass
    return {clean(name): cleaned(value) for name, value in found.items()}  # type: ignore[return-value]


def _listed(value: Any) -> str:
    if type(value) is not list and type(value) is not tuple:
        raise TypeError
    return "\n".join([each if type(each) is str else _listed(each) for each in value])
