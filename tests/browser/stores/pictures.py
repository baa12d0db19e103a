"""Small pictures for messages."""

from __future__ import annotations

import base64
import struct
import zlib
from hashlib import sha256
from typing import Any

from otelier.blobs import decoded_size


def png(width: int, height: int, hue: int) -> bytes:
    """A picture as PNG: colours that run into each other; another ``hue``, another picture."""
    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (255 * x // width, 255 * y // height, hue))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def inline(picture: bytes) -> dict[str, Any]:
    """A part of a message that has the picture in it."""
    content = base64.b64encode(picture).decode()
    return {"type": "blob", "modality": "image", "mime_type": "image/png", "content": content}


def described(picture: bytes) -> dict[str, Any]:
    """The same as it is recorded where pictures are not kept."""
    part = inline(picture)
    return {
        **part,
        "content": "",
        "size": decoded_size(part["content"]),
        "sha256": sha256(part["content"].encode()).hexdigest(),
    }
