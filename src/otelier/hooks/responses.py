"""HTTP responses (httpx, httpx2; duck-typed): when one is closed, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

from otelier import guard
from otelier.hooks.beside import Beside

# (what ``iter_bytes`` or ``aiter_bytes`` gives, whether it is the latter) -> what the user gets.
Reading: TypeAlias = Callable[[Any, bool], Any]


class _Watched:
    """What waits for a response."""

    __slots__ = ("lefts", "reading")

    def __init__(self) -> None:
        self.lefts: list[Callable[[], None]] = []
        self.reading: Reading | None = None


def on_close(response: Any, left: Callable[[], None]) -> Callable[[], None] | None:
    """Call ``left`` when an HTTP response is closed for the first time, just before it is.

    What is returned takes that back.
    """
    if response is None:
        return None
    try:
        held = _watched(response)
        held.lefts.append(left)
    except Exception:
        guard.failed("responses.on_close")
        return None

    def let_go() -> None:
        if left in held.lefts:
            held.lefts.remove(left)

    return let_go


def on_read(response: Any, reading: Reading) -> bool:
    """Show ``reading`` the bytes of a response until it is closed; False if another has them."""
    held = _watched(response)
    if held.reading is not None:
        return False
    held.reading = reading
    return True


def forget_reading(response: Any) -> None:
    """Let the bytes pass from now on."""
    held = _responses.of(response)
    if held is not None:
        held.reading = None


def _watched(response: Any) -> _Watched:
    return _responses.of(response) or _responses.put(response, _Watched())


def _closing(response: Any) -> None:
    held = _responses.of(response)
    if held is None:
        return
    try:
        _responses.drop(response)
        lefts, held.lefts = held.lefts, []
        for left in reversed(lefts):
            left()
    except Exception:
        guard.failed("responses.left")


def _close(_: Any, original: Any) -> Any:
    @wraps(original)
    def close(response: Any, *args: Any, **kwargs: Any) -> Any:
        _closing(response)
        return original(response, *args, **kwargs)

    return close


def _aclose(_: Any, original: Any) -> Any:
    @wraps(original)
    async def aclose(response: Any, *args: Any, **kwargs: Any) -> Any:
        _closing(response)
        return await original(response, *args, **kwargs)

    return aclose


def _iter_bytes(asynchronous: bool) -> Any:
    def wrap(_: Any, original: Any) -> Any:
        @wraps(original)
        def read(response: Any, *args: Any, **kwargs: Any) -> Any:
            source = original(response, *args, **kwargs)
            held = _responses.of(response)
            if held is None or held.reading is None:
                return source
            try:
                return held.reading(source, asynchronous)
            except Exception:
                guard.failed("responses.read")
                return source

        return read

    return wrap


_responses: Final[Beside[_Watched]] = Beside(
    {
        "close": _close,
        "aclose": _aclose,
        "iter_bytes": _iter_bytes(False),
        "aiter_bytes": _iter_bytes(True),
    }
)
