"""A service that answers questions by an agent, whose tool asks a second service.

``app`` is the first, ``archive`` the second, which asks a model too. ``MODEL`` and ``ARCHIVE`` are
addresses; ``CLIENT`` is the library by which the tool asks; ``INSTRUMENT`` has the program
instrument itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import otelier

if os.environ.get("INSTRUMENT"):
    otelier.instrument(services=True, threads=True)

import httpx
import openai
import requests
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

MODEL = os.environ["MODEL"]
app = FastAPI()
archive = FastAPI()
client = openai.AsyncOpenAI(base_url=MODEL, api_key="k", max_retries=0)
blocking = openai.OpenAI(base_url=MODEL, api_key="k", max_retries=0)
pool = ThreadPoolExecutor(2)
tasks: set[asyncio.Task[None]] = set()


async def ask(words: str) -> str:
    asked: Any = [{"role": "user", "content": words}]
    answer = await client.chat.completions.create(model="gpt-4o", messages=asked)
    return answer.choices[0].message.content or ""


def ask_blocking(words: str) -> str:
    asked: Any = [{"role": "user", "content": words}]
    answer = blocking.chat.completions.create(model="gpt-4o", messages=asked)
    return answer.choices[0].message.content or ""


@otelier.tool
async def look_up(question: str) -> str:
    url = f"{os.environ['ARCHIVE']}/documents"
    if os.environ.get("CLIENT") == "requests":
        found = await asyncio.to_thread(requests.get, url, params={"about": question})
        return found.text
    async with httpx.AsyncClient() as http:
        return (await http.get(url, params={"about": question})).text


@otelier.agent("researcher")
async def research(question: str) -> str:
    plan = await ask(f"plan for {question}")
    return await ask(f"{plan} with {await look_up(question)}")


@app.get("/research")
async def researched(question: str, user: str = "ada") -> dict[str, str]:
    with otelier.session(session_id=f"s-{user}", user_id=user):
        return {"answer": await research(question)}


@archive.get("/documents")
async def documents(about: str) -> dict[str, str]:
    with otelier.retrieval("archive", query=about) as found:
        found.set_documents([{"id": "d1", "content": about}])
    return {"summary": await ask(f"summary of {about}")}


@otelier.agent("narrator")
async def narrate(question: str) -> AsyncIterator[str]:
    asked: Any = [{"role": "user", "content": question}]
    stream = await client.chat.completions.create(model="gpt-4o", messages=asked, stream=True)
    async for chunk in stream:
        if chunk.choices:
            yield chunk.choices[0].delta.content or ""


@app.get("/stream")
async def streamed(question: str) -> StreamingResponse:
    with otelier.session(session_id="s-stream"):
        return StreamingResponse(narrate(question))


@otelier.step("learn")
async def learn(question: str) -> None:
    await ask(f"learn {question}")
    print("learned", flush=True)


@app.get("/later")
async def later(question: str) -> dict[str, str]:
    """Its work goes on when the request is answered."""
    task = asyncio.create_task(learn(question))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return {"answer": "later"}


@app.get("/background")
async def background(question: str, work: BackgroundTasks) -> dict[str, str]:
    work.add_task(learn, question)
    return {"answer": "later"}


@app.get("/threads")
async def in_threads(question: str) -> dict[str, str]:
    loop = asyncio.get_running_loop()
    with otelier.workflow("threads"):
        submitted = await asyncio.wrap_future(pool.submit(ask_blocking, f"{question} in a pool"))
        run = await loop.run_in_executor(None, ask_blocking, f"{question} in an executor")
        thread = threading.Thread(target=ask_blocking, args=(f"{question} in a thread",))
        thread.start()
        await asyncio.to_thread(thread.join)
    return {"answer": f"{submitted}, {run}"}


@app.get("/def")
def in_a_pool_of_the_servers(question: str) -> dict[str, str]:
    """A handler that is no coroutine runs in a thread."""
    return {"answer": ask_blocking(question)}
