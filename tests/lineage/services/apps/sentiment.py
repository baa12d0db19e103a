"""What people say, told by a model in Celery's workers.

``BROKER`` and ``RESULTS`` are where messages and results go, ``MODEL`` is the model's address;
``INSTRUMENT`` has the program instrument itself.
"""

from __future__ import annotations

import os
from typing import Any

import openai
from celery import Celery

import otelier

if os.environ.get("INSTRUMENT"):
    otelier.instrument(services=True, threads=True)

app = Celery("sentiment", broker=os.environ["BROKER"], backend=os.environ["RESULTS"])
app.conf.worker_hijack_root_logger = False
client = openai.OpenAI(base_url=os.environ["MODEL"], api_key="k", max_retries=0)


def ask(words: str) -> str:
    asked: Any = [{"role": "user", "content": words}]
    answer = client.chat.completions.create(model="gpt-4o", messages=asked)
    return answer.choices[0].message.content or ""


@app.task
def sentiment(review: str) -> str:
    return ask(f"sentiment of {review}")


@app.task
@otelier.agent("reporter")
def report(findings: str) -> str:
    return ask(f"report on {findings}")


@app.task(bind=True, max_retries=1)
def patient(self: Any, review: str) -> str:
    try:
        return ask(review)
    except openai.InternalServerError as problem:
        raise self.retry(exc=problem, countdown=0) from problem


@app.task
def hopeless(review: str) -> str:
    raise ValueError(f"{review} is no review")
