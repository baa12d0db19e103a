"""What goes wrong between a ClickHouse and us, as a line for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from otelier.store.clickhouse_place import Place
from otelier.store.engine import StoreError

_MAKERS: Final = (
    "the views are made by collector-config/clickhouse/views.sql, the tables by the collector"
)
# A table or a view, a database.
_NOT_MADE: Final = (60, 81)
_TOO_LONG: Final = (159, 160)
_READ_ONLY: Final = 164
_REFUSED: Final = (192, 193, 194, 516)
# `Code: 62. DB::Exception: …`, after what the client says itself.
_SAID: Final = re.compile(r"(?:.*?\bCode: \d+\. )?(?:DB::Exception: )?(.*)", re.DOTALL)
# What a parser would have liked instead, versions, addresses.
_NOT_SHOWN: Final = re.compile(r"\s*(?:Expected one of: .*|\((?:version|for url) .*\)$)", re.DOTALL)
_CODE: Final = re.compile(r"\bCode: (\d+)")
_CHARACTERS: Final = 400


@contextmanager
def told(place: Place) -> Iterator[None]:
    """The client's exceptions as StoreErrors with one line."""
    from clickhouse_connect.driver.exceptions import OperationalError  # type: ignore[import-not-found]

    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        code = getattr(error, "code", None) or _code(str(error))
        if code is not None:
            line = _said(place, code, str(error))
        elif isinstance(error, OperationalError | OSError):
            line = f"{place.shown} cannot be reached: {_reason(error) or _first(str(error))}"
        else:
            # What the client could not read, mostly: formats of the query's own.
            line = f"{place.shown}: the answer is not understood: {_first(str(error))}"
        raise StoreError(_hidden(place, line)) from None


def _said(place: Place, code: int, message: str) -> str:
    if code in _REFUSED:
        return f"{place.shown} refuses this user or password"
    if code == _READ_ONLY:
        return "only reading is possible here"
    said = _first(_NOT_SHOWN.sub("", _SAID.sub(r"\1", message, count=1)))
    if code in _NOT_MADE:
        return f"{said} ({_MAKERS})"
    if code in _TOO_LONG:
        return f"it took too long and was ended: {said}"
    return said


def _code(message: str) -> int | None:
    found = _CODE.search(message)
    return int(found[1]) if found else None


def _first(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _CHARACTERS else f"{line[:_CHARACTERS]}…"


def _reason(error: BaseException) -> str:
    """What the operating system or TLS said, below what the libraries made of it."""
    found = ""
    seen: list[BaseException] = []
    below: BaseException | None = error
    while below is not None and below not in seen:
        seen.append(below)
        if isinstance(below, OSError):
            found = below.strerror or str(below)
        below = getattr(below, "reason", None) or below.__cause__ or below.__context__
        if not isinstance(below, BaseException):
            break
    return _first(found)


def _hidden(place: Place, line: str) -> str:
    return line.replace(place.password, "***") if place.password else line
