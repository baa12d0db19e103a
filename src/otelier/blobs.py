"""Images, audio and files in content: described, kept, or uploaded; never decoded on the way.

The description's ``sha256`` is of the base64 text as it was sent, its ``size`` is that of the
decoded bytes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from otelier import guard
from otelier.settings import Blobs, Settings

Part = dict[str, Any]
_MAX_KNOWN: Final = 256


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
        data = part.get("content")
        described = {**part, "content": ""}
        if isinstance(data, str) and data:
            described["size"] = decoded_size(data)
            described["sha256"] = self._digest(data)
        return described

    def _refer(self, part: Part) -> Part:
        data = part.get("content")
        described = self._describe(part)
        if not isinstance(data, str) or self._upload is None:
            return described
        uri = self._upload(described.get("sha256", ""), part.get("mime_type") or "", data)
        if uri is None:
            return described
        del described["content"]
        return {**described, "type": "uri", "uri": uri}


def uploader(base: str) -> Callable[[str, str, str], str | None] | None:
    """A function (digest, MIME type, base64) -> URI that uploads in the background.

    Objects are named by digest, so that each is written once. The queue is bounded: what does not
    fit is described instead. None, with one warning, where uploading is not possible.
    """
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
    waiting: queue.Queue[tuple[str, str]] = queue.Queue(maxsize=32)
    known: dict[str, None] = {}
    started = threading.Lock()

    def work() -> None:
        import base64

        while True:
            uri, data = waiting.get()
            try:
                with fsspec.open(uri, "wb", auto_mkdir=True) as file:
                    file.write(base64.b64decode(data))
            except Exception as problem:
                known.pop(uri, None)
                guard.say_once("upload", "blobs cannot be uploaded (%s)", type(problem).__name__)
            finally:
                waiting.task_done()

    def upload(digest: str, mime_type: str, data: str) -> str | None:
        suffix = mime_type.rpartition("/")[2].partition(";")[0] or "bin"
        uri = f"{base.rstrip('/')}/{digest}.{suffix}"
        if uri in known:
            return uri
        if started.acquire(blocking=False):  # Never given back: one worker a process.
            threading.Thread(target=work, name="otelier-upload", daemon=True).start()
        try:
            waiting.put_nowait((uri, data))
        except queue.Full:
            return None
        if len(known) >= 4096:
            known.clear()
        known[uri] = None
        return uri

    return upload
