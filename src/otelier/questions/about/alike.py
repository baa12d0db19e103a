"""Which failures are the same: of one type and operation, and saying the same but for numbers."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

# Characters of a message that are compared.
_MOST: Final = 2_000
# What changes from one time to the next has digits in it: ids, times, amounts, names of versions.
# Not so an HTTP status, which says what happened: "Error code: 429", "'404 Not Found'".
_CHANGING: Final = re.compile(
    r"""
    (?P<kept> (?:\b(?:code|status|error|http)\W{1,3} | ^\W?) [45]\d\d\b | '[45]\d\d\ [A-Z] )
    | [\w.,:+-]*\d[\w.,:+-]*
    """,
    re.IGNORECASE | re.VERBOSE,
)


def alike(error: str, operation: str, message: str) -> str:
    """What failures that are the same have in common, and no others: 16 digits."""
    said = _CHANGING.sub(lambda found: found["kept"] or "#", message[:_MOST])
    told = f"{error}\0{operation}\0{said}".encode("utf-8", "replace")
    return blake2b(told, digest_size=8).hexdigest()
