"""A service of Flask's that asks ``research.archive``: no coroutine anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import otelier

if os.environ.get("INSTRUMENT"):
    otelier.instrument(services=True, threads=True)

import openai
import requests
from flask import Flask, Response, request

app = Flask(__name__)
client = openai.OpenAI(base_url=os.environ["MODEL"], api_key="k", max_retries=0)


@otelier.tool
def look_up(question: str) -> str:
    return requests.get(f"{os.environ['ARCHIVE']}/documents", params={"about": question}).text


@otelier.agent("clerk")
def answered(question: str) -> Iterator[str]:
    asked: Any = [{"role": "user", "content": f"{question} by {look_up(question)}"}]
    stream = client.chat.completions.create(model="gpt-4o", messages=asked, stream=True)
    for chunk in stream:
        if chunk.choices:
            yield chunk.choices[0].delta.content or ""


@app.get("/ask")
def ask() -> Response:
    with otelier.session(user_id="ada"):
        return Response(answered(request.args["question"]), mimetype="text/plain")
