"""Which failures are the same: of one type and operation, and saying the same but for numbers."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

# Characters of a message that are compared.
_MOST: Final = 2_000
# What changes from one time to the next has digits in it: ids, times, amounts, names of versions.
_CHANGING: Final = re.compile(r"[\w.,:+-]*\d[\w.,:+-]*")
# An HTTP status says what happened.
_STATUS: Final = re.compile(r"[45]\d\d\b[.,:]?")


def alike(error: str, operation: str, message: str) -> str:
    """What failures that are the same have in common, and no others: 16 digits."""
    said = _CHANGING.sub(_kept, message[:_MOST])
    told = f"{error}\0{operation}\0{said}".encode("utf-8", "replace")
    return blake2b(told, digest_size=8).hexdigest()


def _kept(found: re.Match[str]) -> str:
    return found[0] if _STATUS.fullmatch(found[0]) else "#"
