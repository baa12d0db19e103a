"""What goes wrong between a ClickHouse and us, as a line for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from otelier.store.clickhouse_place import Place
from otelier.store.engine import StoreError

_VIEWS: Final = "collector-config/clickhouse/views.sql makes it"
_UNKNOWN_TABLE: Final = 60
_UNKNOWN_DATABASE: Final = 81
_TOO_LONG: Final = (159, 160)
_READ_ONLY: Final = 164
_REFUSED: Final = (192, 193, 194, 516)
# `Code: 62. DB::Exception: …`, and a name in capitals at the end.
_SAID: Final = re.compile(r"(?:.*?\bCode: \d+\. )?(?:DB::Exception: )?(.*)", re.DOTALL)
_CODE: Final = re.compile(r"\bCode: (\d+)")
_CHARACTERS: Final = 400


@contextmanager
def told(place: Place) -> Iterator[None]:
    """The client's exceptions as StoreErrors with one line."""
    from clickhouse_connect.driver.exceptions import ClickHouseError  # type: ignore[import-not-found]

    try:
        yield
    except StoreError:
        raise
    except ClickHouseError as error:
        raise StoreError(_hidden(place, _line(place, error))) from None
    # What the client could not read, or what its HTTP library says.
    except Exception as error:
        line = f"{place.shown}: {_first(str(error)) or type(error).__name__}"
        raise StoreError(_hidden(place, line)) from None


def _line(place: Place, error: Exception) -> str:
    message = str(error)
    code = getattr(error, "code", None) or _code(message)
    if code is None:
        reason = _reason(error) or _first(message)
        return f"{place.shown} cannot be reached: {reason}"
    if code in _REFUSED:
        return f"{place.shown} refuses this user or password"
    if code == _UNKNOWN_DATABASE:
        return f"{place.shown}: there is no such database: {_VIEWS}"
    said = _first(_SAID.sub(r"\1", message, count=1))
    if code == _UNKNOWN_TABLE:
        return f"{said} (a view of otelier: {_VIEWS})"
    if code == _READ_ONLY:
        return "only reading is possible here"
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
