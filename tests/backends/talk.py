"""A short conversation, run by ``python -m tests.backends.talk``, with what the workload has not.

And what else the tests of Phoenix and MLflow share.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import anthropic
import boto3
import openai
import yaml
from opentelemetry import trace

import otelier
from tests.backends.programs import PROGRAMS, ROOT
from tests.backends.running import CONFIGS
from tests.servers import Json, ProviderServer, anthropic_wire, openai_wire

SYSTEM, ASKED, ANSWER = "Answer briefly.", "Is it raining in Paris?", "It is raining."
ARGUMENTS = {"city": "Paris", "station": 1234567890123456789}
CHAT_TOKENS, CACHE_WRITE = (40, 8), 400
GUARDED = {"action": "NONE", "outputs": [], "assessments": [], "usage": {}}
TALK_SPANS = 9


def talk() -> None:
    """What the workload has not: tools in messages, cache writes, scores, several answers."""

    def chat(request: Any) -> Any:
        asked = request.json()
        said = openai_wire.chat_message(ANSWER)
        if asked["messages"][-1]["role"] == "user" and "tools" in asked:
            said = openai_wire.chat_message(
                tool_calls=[openai_wire.tool_call("weather", ARGUMENTS, id="call_1")]
            )
        usage = openai_wire.chat_usage(*CHAT_TOKENS)
        return Json(
            openai_wire.chat_completion(*[said] * asked.get("n", 1), model="gpt-4o", usage=usage)
        )

    def claude(request: Any) -> Any:
        kind = "cache_1h" if "hour" in str(request.json()["messages"]) else "cache_5m"
        usage = anthropic_wire.message_usage(50, 20, **{kind: CACHE_WRITE})
        return Json(anthropic_wire.message(model="claude-haiku-4-5", usage=usage))

    with ProviderServer() as server:
        server.route("/chat/completions", chat)
        server.route("/v1/messages", claude)
        server.route("/v1/completions", lambda request: Json(openai_wire.completion(ANSWER)))
        server.route("/apply", lambda request: Json(GUARDED))
        home = server.url.replace("127.0.0.1", "localhost")
        gpt = openai.OpenAI(base_url=home + "/v1", api_key="k", max_retries=0)
        haiku = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
        bedrock = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id="k",
            aws_secret_access_key="k",
        )

        @otelier.workflow("weather_report")
        def report(question: str) -> str:
            with otelier.retrieval("stations", query=question) as found:
                found.set_documents([{"id": "d-1", "content": "Paris is wet.", "score": 0.5}])
                # What a program says itself, the collector leaves alone.
                own = {"output.value": "own", "mlflow.spanOutputs": "own"}
                trace.get_current_span().set_attributes(own)
            schema = {"type": "object", "properties": {"city": {"type": "string"}}}
            messages: list[Any] = [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": question},
            ]
            tools: Any = [
                {"type": "function", "function": {"name": "weather", "parameters": schema}}
            ]
            said = gpt.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
            messages += [
                said.choices[0].message,
                {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
            ]
            gpt.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
            gpt.chat.completions.create(model="gpt-4o-twice", messages=messages[:2], n=2)
            for kept in ("minutes", "an hour"):
                haiku.messages.create(
                    model="claude-haiku-4-5",
                    max_tokens=64,
                    system=SYSTEM,
                    messages=[{"role": "user", "content": f"Keep this for {kept}."}],
                )
            gpt.completions.create(model="gpt-3.5-turbo-instruct", prompt=question)
            bedrock.apply_guardrail(
                guardrailIdentifier="g-1",
                guardrailVersion="1",
                source="INPUT",
                content=[{"text": {"text": question}}],
            )
            return ANSWER

        with otelier.session(user_id="ada", tags=["beta"], metadata={"tenant": "acme"}):
            report(ASKED)


def say(endpoint: str, **env: str) -> None:
    """Run the talk under ``opentelemetry-instrument``."""
    done = subprocess.run(
        [
            Path(sys.executable).parent / "opentelemetry-instrument",
            sys.executable,
            "-m",
            "tests.backends.talk",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "OTEL_SERVICE_NAME": "talk",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTELIER_PROVIDER_HOSTS": "localhost=openai",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            **env,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def switches(backend: str) -> dict[str, str]:
    """The settings of a backend in its docker-compose.yaml: the tests run it with them.

    And the version: its image is what the tests install.
    """
    told = yaml.safe_load((CONFIGS / backend / "docker-compose.yaml").read_text())
    service = told["services"][backend]
    installed = getattr(PROGRAMS[backend], "args", ())[-1].partition("==")[2]
    assert installed and service["image"].endswith(installed), (service["image"], installed)
    return dict(service["environment"])


def conditions(backend: str) -> set[str]:
    """What the README's table of questions says to type into the search field."""
    _, _, table = (CONFIGS / backend / "README.md").read_text().partition("| Question |")
    rows = takewhile(lambda line: line.startswith("|"), table.splitlines()[1:])
    return {code for row in rows for code in re.findall("`([^`]+)`", row)}


def plain(members: list[dict[str, Any]]) -> dict[str, Any]:
    """OTLP's attributes as a dict."""
    return {each["key"]: _value(each["value"]) for each in members}


def _value(told: dict[str, Any]) -> Any:
    ((kind, value),) = told.items()
    if kind == "kvlist_value":
        return plain(value.get("values", []))
    if kind == "array_value":
        return [_value(each) for each in value.get("values", ())]
    return value


def post(url: str, asked: Any) -> Any:
    """The JSON answered to JSON."""
    body, headers = json.dumps(asked).encode(), {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return json.loads(answer.read())


def refused(url: str, **headers: str) -> int:
    """The status of a POST that fails."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, b"{}", named, method="POST")
    try:
        urllib.request.urlopen(asked, timeout=30).close()
    except HTTPError as refusal:
        return refusal.code
    raise AssertionError(f"{url} took it")


if __name__ == "__main__":
    talk()
