"""A program that calls a model when it is told to: ``python -m tests.backends.sender SERVER``.

It reads commands from its input and answers each with a line of JSON: the ids of the responses that
its calls had. These calls are finished: their spans are to arrive.
``call N``; ``fork N``, ``pool N``, ``spawn N`` (calls in a child of ``os.fork``, in one of
multiprocessing); ``count N`` (calls, and how many Python functions the leanest of them called in
this thread); ``handle`` (SIGTERM ends the program as servers do), ``raise``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from typing import Any

import openai

# About 4 KiB, as real prompts are.
PROMPT = "Where is the blue parcel? " * 160


def calls(client: openai.OpenAI, count: int) -> dict[str, Any]:
    """Make calls; what they were."""
    ask: Any = [{"role": "user", "content": PROMPT}]
    made = [client.chat.completions.create(model="gpt-4o", messages=ask) for _ in range(count)]
    return {"ids": [answer.id for answer in made]}


def counted(client: openai.OpenAI, count: int) -> dict[str, Any]:
    """Calls one by one, and the fewest functions that one called."""
    found: dict[str, Any] = {"ids": [], "functions": sys.maxsize}
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
        found["functions"] = min(found["functions"], functions)
    return found


def connect(server: str) -> openai.OpenAI:
    """A client of the server."""
    return openai.OpenAI(base_url=server, api_key="k", max_retries=0)


def child(server: str, count: int, out: Any) -> None:
    """What a process of multiprocessing does."""
    out.send(calls(connect(server), count))


def forked(server: str, count: int) -> dict[str, Any]:
    """Calls in a child, which ends as a script does."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps(calls(connect(server), count)).encode())
        os.close(write)
        sys.exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        found: dict[str, Any] = json.loads(told.read())
    os.waitpid(pid, 0)
    return found


def pooled(server: str, count: int, method: str) -> dict[str, Any]:
    """Calls in a process of multiprocessing, which skips what ``atexit`` has."""
    context: Any = multiprocessing.get_context(method)
    here, there = context.Pipe()
    process = context.Process(target=child, args=(server, count, there))
    process.start()
    found: dict[str, Any] = here.recv()
    process.join()
    return found


def main(server: str) -> None:
    client = connect(server)
    for line in sys.stdin:
        command, _, number = line.strip().partition(" ")
        told: dict[str, Any] = {}
        if command == "call":
            told = calls(client, int(number))
        elif command == "count":
            told = counted(client, int(number))
        elif command == "fork":
            told = forked(server, int(number))
        elif command in ("pool", "spawn"):
            told = pooled(server, int(number), "fork" if command == "pool" else "spawn")
        elif command == "handle":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        elif command == "raise":
            raise RuntimeError("as asked")
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
