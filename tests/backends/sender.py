"""A program that calls a model when it is told to: ``python -m tests.backends.sender SERVER``.

It reads commands from its input and answers each with a line of JSON: the ids of the responses that
its calls had, and how long the slowest took. These calls are finished: their spans are to arrive.
``call N``; ``count N`` (calls, and how many Python functions each of them called in this thread);
calls in a child: ``fork N`` (of ``os.fork``), ``process N``, ``spawn N``, ``pool N``, ``left N``
(of multiprocessing: a process, a pool that is closed, a pool that is left by ``with``);
``handle`` (SIGTERM ends the program as servers do), ``raise``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import openai

# About 4 KiB, as real prompts are.
PROMPT = "Where is the blue parcel? " * 160


def calls(client: openai.OpenAI, count: int) -> dict[str, Any]:
    """Make calls; what they were."""
    ask: Any = [{"role": "user", "content": PROMPT}]
    ids, slowest = [], 0.0
    for _ in range(count):
        started = time.perf_counter()
        ids.append(client.chat.completions.create(model="gpt-4o", messages=ask).id)
        slowest = max(slowest, time.perf_counter() - started)
    return {"ids": ids, "slowest": slowest}


def counted(client: openai.OpenAI, count: int) -> dict[str, Any]:
    """Calls one by one, and the functions that each of them called."""
    found: dict[str, Any] = {"ids": [], "functions": []}
    for _ in range(count):
        functions = 0

        def see(_frame: Any, event: str, _given: Any) -> None:
            nonlocal functions
            functions += event == "call"

        sys.setprofile(see)
        try:
            made = calls(client, 1)
        finally:
            sys.setprofile(None)
        found["ids"] += made["ids"]
        found["functions"].append(functions)
    return found


def connect(server: str) -> openai.OpenAI:
    """A client of the server."""
    return openai.OpenAI(base_url=server, api_key="k", max_retries=0)


def child(server: str, count: int) -> dict[str, Any]:
    """What a child does."""
    return calls(connect(server), count)


def answer(server: str, count: int, out: Any) -> None:
    """The same, answered to its parent."""
    out.send(child(server, count))


def forked(server: str, count: int) -> dict[str, Any]:
    """Calls in a child, which ends as a script does."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps(child(server, count)).encode())
        os.close(write)
        sys.exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        found: dict[str, Any] = json.loads(told.read())
    os.waitpid(pid, 0)
    return found


def processed(server: str, count: int, method: str) -> dict[str, Any]:
    """Calls in a process of multiprocessing, which skips what ``atexit`` has if it was forked."""
    context: Any = multiprocessing.get_context(method)
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(server, count, there))
    process.start()
    found: dict[str, Any] = here.recv()
    process.join()
    return found


def pooled(server: str, count: int) -> dict[str, Any]:
    """Calls in a pool that is closed."""
    pool = multiprocessing.get_context("fork").Pool(1)
    found: dict[str, Any] = pool.apply(child, (server, count))
    pool.close()
    pool.join()
    return found


def left(server: str, count: int) -> dict[str, Any]:
    """Calls in a pool that is left by ``with``, which ends its processes by SIGTERM."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(child, (server, count))
        return found


CHILDREN: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "fork": forked,
    "process": partial(processed, method="fork"),
    "spawn": partial(processed, method="spawn"),
    "pool": pooled,
    "left": left,
}


def main(server: str) -> None:
    client = connect(server)
    for line in sys.stdin:
        command, _, number = line.strip().partition(" ")
        told: dict[str, Any] = {}
        if command == "call":
            told = calls(client, int(number))
        elif command == "count":
            told = counted(client, int(number))
        elif command in CHILDREN:
            told = CHILDREN[command](server, int(number))
        elif command == "handle":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        elif command == "raise":
            raise RuntimeError("as asked")
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
