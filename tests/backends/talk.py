"""A short conversation with what the workload has not: ``python -m tests.backends.talk SESSION``.

Tools in messages, cache writes, scores of documents, several answers, completions, a guardrail.
"""

from __future__ import annotations

import sys
from typing import Any

from opentelemetry import trace

import otelier
from tests.backends import clients
from tests.backends.shown import ANSWER, ARGUMENTS, ASKED, CACHE_WRITE, CHAT_TOKENS, SYSTEM
from tests.servers import Json, ProviderServer, anthropic_wire, openai_wire

GUARDED = {"action": "NONE", "outputs": [], "assessments": [], "usage": {}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def chat(request: Any) -> Any:
    """OpenAI's answers: the tool is called when it is offered to a question."""
    asked = request.json()
    said = openai_wire.chat_message(ANSWER)
    if asked["messages"][-1]["role"] == "user" and "tools" in asked:
        call = openai_wire.tool_call("weather", ARGUMENTS, id="call_1")
        said = openai_wire.chat_message(tool_calls=[call])
    usage = openai_wire.chat_usage(*CHAT_TOKENS)
    answers = [said] * asked.get("n", 1)
    return Json(openai_wire.chat_completion(*answers, model="gpt-4o", usage=usage))


def claude(request: Any) -> Any:
    """Anthropic's answers: the question is written to the cache, for as long as it says."""
    kind = "cache_1h" if "hour" in str(request.json()["messages"]) else "cache_5m"
    usage = anthropic_wire.message_usage(50, 20, **{kind: CACHE_WRITE})
    return Json(anthropic_wire.message(model="claude-haiku-4-5", usage=usage))


class Talk:
    """The clients, and what is done with them."""

    def __init__(self, url: str) -> None:
        self.gpt = clients.gpt(url)
        self.haiku = clients.claude(url)
        self.bedrock = clients.bedrock(url)

    @otelier.workflow("weather_report")
    def report(self, question: str) -> str:
        """All of it, beneath one span."""
        self.retrieve(question)
        self.use_a_tool(question)
        self.fill_the_cache()
        self.gpt.completions.create(model="gpt-3.5-turbo-instruct", prompt=question)
        self.bedrock.apply_guardrail(
            guardrailIdentifier="g-1",
            guardrailVersion="1",
            source="INPUT",
            content=[{"text": {"text": question}}],
        )
        return ANSWER

    def retrieve(self, question: str) -> None:
        with otelier.retrieval("stations", query=question) as found:
            found.set_documents([{"id": "d-1", "content": "Paris is wet.", "score": 0.5}])
            # What a program says itself, the collector leaves alone.
            own = {"output.value": "own", "mlflow.spanOutputs": "own"}
            trace.get_current_span().set_attributes(own)

    @otelier.agent("forecaster", model="gpt-4o")
    def use_a_tool(self, question: str) -> str:
        """An agent of one model, which sums up its calls."""
        create: Any = self.gpt.chat.completions.create
        tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
        asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        said = create(model="gpt-4o", messages=asked, tools=tools)
        result = {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
        create(model="gpt-4o-twice", messages=asked, n=2)
        last = [*asked, said.choices[0].message, result]
        said = create(model="gpt-4o", messages=last, tools=tools)
        return str(said.choices[0].message.content)

    def fill_the_cache(self) -> None:
        for kept in ("minutes", "an hour"):
            self.haiku.messages.create(
                model="claude-haiku-4-5",
                max_tokens=64,
                system=SYSTEM,
                messages=[{"role": "user", "content": f"Keep this for {kept}."}],
            )


def main(session: str) -> None:
    with ProviderServer() as server:
        server.route("/chat/completions", chat)
        server.route("/v1/messages", claude)
        server.route("/v1/completions", lambda request: Json(openai_wire.completion(ANSWER)))
        server.route("/apply", lambda request: Json(GUARDED))
        talk = Talk(server.url)
        with otelier.session(
            session_id=session, user_id="ada", tags=["beta"], metadata={"tenant": "acme"}
        ):
            talk.report(ASKED)


if __name__ == "__main__":
    main(sys.argv[1])
