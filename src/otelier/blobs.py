"""Images, audio and files in content: described, kept, or uploaded; never decoded on the way.

The description's ``sha256`` is of the base64 text as it was sent, its ``size`` is that of the
decoded bytes.
"""

from __future__ import annotations

import atexit
import base64
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from otelier import forks, guard, wire
from otelier.setting_texts import Blobs
from otelier.settings import Settings

Part = dict[str, Any]
_MAX_KNOWN: Final = 256
_MOST_KNOWN: Final = 4096
_MOST_WAITING: Final = 32
_PATIENCE: Final = 5.0


def decoded_size(data: str) -> int:
    """Bytes that a base64 text stands for, without decoding it."""
    return len(data) * 3 // 4 - data[-2:].count("=")


class Keeper:
    """Replaces ``blob`` parts by the user's choice."""

    def __init__(self, settings: Settings) -> None:
        self._hashes: dict[tuple[int, int], str] = {}
        self._upload: Callable[[str, str, str], str | None] | None = None
        self.replace: Callable[[Part], Part] = self._describe
        if settings.blobs is Blobs.INLINE:
            self.replace = self._keep
        elif settings.blobs is Blobs.UPLOAD:
            self._upload = uploader(settings.blob_uri)
            if self._upload is not None:
                self.replace = self._refer

    def _keep(self, part: Part) -> Part:
        return part

    def _digest(self, data: str) -> str:
        # Chat loops send the same image with each turn.
        key = (hash(data), len(data))
        known = self._hashes.get(key)
        if known is None:
            import hashlib

            known = hashlib.sha256(data.encode("utf-8", "replace")).hexdigest()
            if len(self._hashes) >= _MAX_KNOWN:
                self._hashes.clear()
            self._hashes[key] = known
        return known

    def _describe(self, part: Part) -> Part:
        data = wire.text(part.get("content"))
        described = {**part, "content": ""}
        if data is not None:
            described["size"] = decoded_size(data)
            described["sha256"] = self._digest(data)
        return described

    def _refer(self, part: Part) -> Part:
        data = wire.text(part.get("content"))
        described = self._describe(part)
        if data is None or self._upload is None:
            return described
        uri = self._upload(described.get("sha256", ""), part.get("mime_type") or "", data)
        if uri is None:
            return described
        del described["content"]
        return {**described, "type": "uri", "uri": uri}


class Uploader:
    """Uploads in the background, by one thread a process; at exit it gets a few seconds more.

    Objects are named by digest, so that each is written once. The queue is bounded: what does not
    fit is described instead.
    """

    def __init__(self, base: str, write: Callable[[str, bytes], None]) -> None:
        self._base = base.rstrip("/")
        self._write = write
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked child has to."""
        # A child of a fork has no worker, and maybe a lock that nobody gives back.
        self._waiting: queue.Queue[tuple[str, str]] = queue.Queue(maxsize=_MOST_WAITING)
        self._known: dict[str, None] = {}
        self._started = threading.Lock()

    def __call__(self, digest: str, mime_type: str, data: str) -> str | None:
        """The URI that the base64 text ``data`` will have; None where it is not uploaded."""
        suffix = mime_type.rpartition("/")[2].partition(";")[0] or "bin"
        uri = f"{self._base}/{digest}.{suffix}"
        if uri in self._known:
            return uri
        if self._started.acquire(blocking=False):  # Never given back: one worker.
            threading.Thread(target=self._work, name="otelier-upload", daemon=True).start()
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[uri] = None
        try:
            self._waiting.put_nowait((uri, data))
        except queue.Full:
            self._known.pop(uri, None)
            return None
        return uri

    def _work(self) -> None:
        waiting = self._waiting
        while True:
            uri, data = waiting.get()
            try:
                self._write(uri, base64.b64decode(data))
            except Exception as problem:
                self._known.pop(uri, None)
                guard.say_once("upload", "blobs cannot be uploaded (%s)", type(problem).__name__)
            finally:
                waiting.task_done()

    def flush(self, seconds: float = _PATIENCE) -> None:
        """Wait until what was taken is written, but not for long."""
        until = time.monotonic() + seconds
        waiting = self._waiting
        with waiting.all_tasks_done:
            while waiting.unfinished_tasks and (left := until - time.monotonic()) > 0:
                waiting.all_tasks_done.wait(left)


def uploader(base: str) -> Uploader | None:
    """An uploader to an fsspec URI; None, with one warning, where that is not possible."""
    try:
        import fsspec
    except ImportError:
        guard.say_once(
            "upload", "OTELIER_BLOBS=upload needs the package fsspec; blobs are described instead"
        )
        return None
    if not base:
        guard.say_once(
            "upload", "OTELIER_BLOBS=upload needs OTELIER_BLOB_URI; blobs are described instead"
        )
        return None

    def write(uri: str, data: bytes) -> None:
        with fsspec.open(uri, "wb", auto_mkdir=True) as file:
            file.write(data)

    return _uploaders.setdefault(base, Uploader(base, write))


# One a place and process, each with one thread: instrumenting again makes no other.
_uploaders: Final[dict[str, Uploader]] = {}


@forks.in_child
def _renew() -> None:
    for each in _uploaders.values():
        each.renew()


@atexit.register
def _flush() -> None:
    until = time.monotonic() + _PATIENCE
    for each in _uploaders.values():
        each.flush(max(0.0, until - time.monotonic()))
