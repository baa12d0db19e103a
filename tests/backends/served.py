"""Programs behind servers: ``/N`` makes N model calls and answers with the ids of the responses.

``application`` is WSGI, ``served`` ASGI, ``app`` Celery's, whose tasks append them to a file.
``MODEL`` is the model's address; ``INSTRUMENT`` has the program instrument itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.backends import sender

if os.environ.get("INSTRUMENT"):
    import otelier

    otelier.instrument()


def _calls(path: str) -> bytes:
    count = path.strip("/")
    made = sender.child(os.environ["MODEL"], int(count)) if count.isdigit() else {"ids": []}
    return json.dumps(made).encode()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI."""
    body = _calls(environ["PATH_INFO"])
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def served(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """ASGI."""
    if scope["type"] == "lifespan":
        while True:
            what = (await receive())["type"]
            await send({"type": f"{what}.complete"})
            if what == "lifespan.shutdown":
                return
    body = _calls(scope["path"])
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def celery() -> Any:
    """An application of Celery's whose messages are files in ``FOLDER``."""
    from celery import Celery

    folder = os.environ["FOLDER"]
    made = Celery("served", broker="filesystem://")
    made.conf.broker_transport_options = {
        **dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), folder)
    }

    @made.task(name="served.work")  # type: ignore[untyped-decorator]
    def work(count: int) -> None:
        ids = json.loads(_calls(str(count)))["ids"]
        with Path(os.environ["FINISHED"]).open("a") as out:
            out.write("".join(f"{id}\n" for id in ids))

    return made


if "FOLDER" in os.environ:
    app = celery()
