"""Work for other processes: ``python -m …processes pool fork``.

``itself`` as a third word has the program instrument itself, in each process that is spawned, too.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import openai
from opentelemetry import context, propagate

import otelier

if "itself" in sys.argv or os.environ.get("INSTRUMENT"):
    otelier.instrument()

URL = os.environ["MODEL"]


def ask(words: str) -> str:
    client = openai.OpenAI(base_url=URL, api_key="k", max_retries=0)
    asked: Any = [{"role": "user", "content": words}]
    answer = client.chat.completions.create(model="gpt-4o", messages=asked)
    return answer.choices[0].message.content or ""


def carried(words: str, carrier: dict[str, str]) -> str:
    """The same where the context has to be taken along."""
    token = context.attach(propagate.extract(carrier))
    try:
        return ask(words)
    finally:
        context.detach(token)


def carrier() -> dict[str, str]:
    found: dict[str, str] = {}
    propagate.inject(found)
    return found


def process(method: str) -> None:
    """A process for one piece of work."""
    spawned = multiprocessing.get_context(method)
    work, args = (ask, ("tea",)) if method == "fork" else (carried, ("tea", carrier()))
    started: Any = spawned.Process(target=work, args=args)  # type: ignore[attr-defined]
    started.start()
    started.join()


def pool(method: str) -> None:
    with multiprocessing.get_context(method).Pool(2) as workers:
        print(workers.starmap(carried, [(each, carrier()) for each in ("tea", "coffee")]))
        workers.close()
        workers.join()


def executor(method: str) -> None:
    how = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=how) as workers:
        print(workers.submit(carried, "tea", carrier()).result())


def loop(method: str) -> None:
    async def main() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as workers:
            here = asyncio.get_running_loop()
            print(await here.run_in_executor(workers, carried, "tea", carrier()))

    asyncio.run(main())


def plain(method: str) -> None:
    """A pool whose functions know nothing of it, started in the work."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as workers:
        print(workers.submit(ask, "tea").result())


def bare(method: str) -> None:
    """A process whose function knows nothing of it."""
    started = multiprocessing.Process(target=ask, args=("tea",))
    started.start()
    started.join()


def mapped(method: str) -> None:
    with multiprocessing.Pool(2) as workers:
        print(workers.map(ask, ["tea", "coffee"]), list(workers.imap(ask, ["milk"])))
        workers.close()
        workers.join()


def early(method: str) -> None:
    """A pool that was there before the work."""
    print(WORKERS.submit(ask, "tea").result())


lasting = early


if __name__ == "__main__":
    how, method = sys.argv[1:3]
    multiprocessing.set_start_method(method)
    if how == "early":
        WORKERS = ProcessPoolExecutor(1)
        WORKERS.submit(int).result()
    if how == "lasting":
        # Begun in the work of somebody else.
        with otelier.session(user_id="grace"), otelier.workflow("other"):
            WORKERS = ProcessPoolExecutor(1)
            WORKERS.submit(int).result()
        WORKERS.submit(ask, "nobody's").result()
    with otelier.session(session_id="s-1", user_id="ada"), otelier.workflow("work"):
        globals()[how](method)
    if how in ("early", "lasting"):
        WORKERS.shutdown()
