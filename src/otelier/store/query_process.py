"""Queries of a person's own, each of which can be ended, whatever it does.

SQLite looks at the clock between two steps of its machine; a single step (a pattern of LIKE, a
search in a long text) may take hours, and memory without bounds. So a local store is asked by
another process, which is killed when its time is over. A cluster ends queries itself.
"""

from __future__ import annotations

import json
import marshal
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, Protocol

from otelier import settings
from otelier.store.engine import Answer, LateError, StoreError
from otelier.store.opening import opened

# Seconds of one query; until a process is killed that does not end it by itself; and until one has
# started.
SECONDS: Final = 10.0
_GRACE: Final = 1.0
_START: Final = 30.0
MEMORY: Final = 2 << 30
# What a process says when it has started; and bytes that say how many an answer has.
READY: Final = b"ready"
HEAD: Final = 8
# The limit of its time of computing ends it, too.
_LIMITED: Final = getattr(signal, "SIGXCPU", 0)
_CHILD: Final = "otelier.store.query_child"


class Ending:
    """Lets one thread end what another one waits for; now, or as soon as that has begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = False
        self._how: Callable[[], None] | None = None

    def now(self) -> None:
        """End it."""
        with self._lock:
            self._now = True
            if self._how is not None:
                self._how()

    @contextmanager
    def by(self, how: Callable[[], None], seconds: float) -> Iterator[None]:
        """What is begun in the block ends by calling ``how``, at the latest after that time."""
        with self._lock:
            self._how = how
            if self._now:
                how()
        timer = threading.Timer(seconds, how)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._how = None


class Asker(Protocol):
    """Asks a store what a person wrote. May be called by several threads."""

    # How long a query may take.
    seconds: float

    def ask(self, query: str, most: int | None, ending: Ending) -> Answer:
        """Run a query; at most ``most`` rows. Who asked may end it. Raises StoreError."""
        ...


def asker(place: str, seconds: float = SECONDS) -> Asker:
    """What asks the store at a path or a URL."""
    return _Cluster(place, seconds) if settings.is_url(place) else Processes(place, seconds)


class _Cluster:
    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self.seconds = seconds

    def ask(self, query: str, most: int | None, ending: Ending) -> Answer:
        engine = opened(self._url, self.seconds)
        try:
            return engine.ask(query, most=most)
        finally:
            engine.close()


class Processes:
    """A process for each query that is under way; one waits for the next, for it is slow to start.

    It ends with its input, so with this process.
    """

    def __init__(self, path: str, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        """``memory``: bytes that a process may have, where the system can limit them."""
        self.seconds = seconds
        self._words = [sys.executable, "-P", "-m", _CHILD, path, str(memory)]
        self._lock = threading.Lock()
        self._idle: subprocess.Popen[bytes] | None = None

    def ask(self, query: str, most: int | None, ending: Ending) -> Answer:
        """As :class:`Asker` says."""
        process = self._taken() or self._started(ending)
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            process.kill()

        try:
            with ending.by(kill, self.seconds + _GRACE):
                asked = {"sql": query, "most": most, "seconds": self.seconds}
                kind, *told = _exchanged(process, asked)
        except EOFError:
            code = process.wait()
            if killed.is_set() or code == -_LIMITED:
                raise LateError(self.seconds) from None
            raise _broken(code) from None
        self._keep(process)
        if kind == "refused":
            raise StoreError(told[0])
        return Answer(*told)

    def _taken(self) -> subprocess.Popen[bytes] | None:
        """The process that waits, if it is still there."""
        with self._lock:
            idle, self._idle = self._idle, None
        return idle if idle is not None and idle.poll() is None else None

    def _started(self, ending: Ending) -> subprocess.Popen[bytes]:
        # Its own session: Ctrl-C is this process's. Not from where this one runs: what lies there
        # is no module of ours.
        process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        try:
            with ending.by(process.kill, _START):
                _read(_pipe(process.stdout), len(READY))
        except EOFError:
            raise _broken(process.wait()) from None
        return process

    def _keep(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._idle is None:
                self._idle = process
                return
        _pipe(process.stdin).close()
        process.wait()


def _broken(code: int) -> StoreError:
    return StoreError(f"the process that asks ended without an answer (code {code})")


def _exchanged(process: subprocess.Popen[bytes], asked: dict[str, Any]) -> Any:
    """What the process answers. Raises EOFError where it ends before."""
    stdin, stdout = _pipe(process.stdin), _pipe(process.stdout)
    # Whether it is there shows when it is read from.
    with suppress(OSError):
        stdin.write(json.dumps(asked).encode() + b"\n")
        stdin.flush()
    size = int.from_bytes(_read(stdout, HEAD))
    return marshal.loads(_read(stdout, size))


def _read(stream: IO[bytes], size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise EOFError
    return body


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
