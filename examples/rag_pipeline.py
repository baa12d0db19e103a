"""Answers a question from a staff handbook: classify, retrieve, research with tools, write.

    otelier run -- python examples/rag_pipeline.py
    otelier run -- python examples/rag_pipeline.py --live "May I work from abroad?"

Without `--live` a stand-in for the providers is started in a process of its own. With it, each
provider whose key is set (OPENAI_API_KEY, ANTHROPIC_API_KEY) is the real one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import anthropic
import openai

import otelier

CLASSIFIER = "gpt-6-luna"
EMBEDDER = "text-embedding-3-small"
RESEARCHER = "gpt-6.1-sol"
# In order of preference. The first is no model (yet): the pipeline copes with that.
WRITERS = ("claude-sonnet-7", "claude-sonnet-5-5")

QUESTION = "How many days of leave can I carry over into next year, and would I lose any?"

HANDBOOK = {
    "leave": "Everyone has 28 days of paid leave a year. Up to five days of leave that were not "
    "taken can be carried over into the next year. Leave carried over lapses on 31 March.",
    "remote": "Work from home is possible on three days a week. Work from abroad needs the consent "
    "of the people team, for tax and insurance, and is limited to 30 days a year.",
    "travel": "Trains are booked in second class, flights in economy. Receipts are handed in "
    "within four weeks; meals are paid at the flat rate for the country.",
    "equipment": "A laptop is replaced after four years. Monitors and chairs for the home are paid "
    "up to 400 euros.",
    "sickness": "Whoever is ill says so by ten in the morning. From the fourth day on a doctor's "
    "note is needed. Days of leave on which somebody was ill are given back.",
}

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "leave_balance",
            "description": "Days of leave that an employee has left this year.",
            "parameters": {
                "type": "object",
                "properties": {"employee": {"type": "string"}},
                "required": ["employee"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "days_until",
            "description": "Days from today to a date (YYYY-MM-DD).",
            "parameters": {
                "type": "object",
                "properties": {"date": {"type": "string"}},
                "required": ["date"],
            },
        },
    },
]


@otelier.tool
def leave_balance(employee: str) -> dict[str, Any]:
    return {"employee": employee, "entitled": 28, "taken": 21, "left": 7}


@otelier.tool
def days_until(date: str) -> dict[str, Any]:
    return {"date": date, "days": (_day(date) - _day("")).days}


def _day(text: str) -> date:
    return date.fromisoformat(text) if text else date.today()


FUNCTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "leave_balance": leave_balance,
    "days_until": days_until,
}


@dataclass
class Pipeline:
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic

    @otelier.workflow("answer_question")
    def answer(self, question: str) -> str:
        topic = self.classify(question)
        passages = self.search(question)
        with otelier.step("rerank") as step:
            passages.sort(key=lambda passage: passage["id"] != topic)
            step.set_result([passage["id"] for passage in passages])
        notes = self.research(question, passages[:2])
        return self.write(question, notes)

    @otelier.step
    def classify(self, question: str) -> str:
        """The chapter of the handbook that a question is about."""
        completion = self.openai.chat.completions.create(
            model=CLASSIFIER,
            messages=[
                {
                    "role": "system",
                    "content": "Sort questions of employees. Answer in JSON: topic (one of "
                    f"{', '.join(HANDBOOK)}) and needs_tools (true if personal data is needed).",
                },
                {"role": "user", "content": question},
            ],
            response_format={"type": "json_object"},
        )
        return str(json.loads(completion.choices[0].message.content or "{}").get("topic", ""))

    @otelier.retrieval("handbook")
    def search(self, query: str, top_k: int = 3) -> list[dict[str, Any]]:
        """The chapters nearest to a question."""
        texts = [query, *HANDBOOK.values()]
        embedded = self.openai.embeddings.create(model=EMBEDDER, input=texts)
        asked, *chapters = (item.embedding for item in embedded.data)
        scored: list[dict[str, Any]] = [
            {"id": name, "score": round(cosine(asked, vector), 4), "content": text}
            for (name, text), vector in zip(HANDBOOK.items(), chapters, strict=True)
        ]
        return sorted(scored, key=lambda found: -found["score"])[:top_k]

    @otelier.agent("researcher")
    def research(self, question: str, passages: list[dict[str, Any]]) -> str:
        """Facts for an answer, from passages and tools."""
        context = "\n\n".join(f"[{p['id']}] {p['content']}" for p in passages)
        messages: list[Any] = [
            {
                "role": "system",
                "content": "You prepare answers for the people team. Use the passages of the "
                "handbook and the tools; the employee is ada. Note the facts, in three "
                f"sentences at most, without advice.\n\n{context}",
            },
            {"role": "user", "content": question},
        ]
        while True:
            completion = self.openai.chat.completions.create(
                model=RESEARCHER, messages=messages, tools=TOOLS
            )
            message = completion.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message)
            for call in message.tool_calls:
                if call.type == "function":
                    arguments = json.loads(call.function.arguments)
                    result = json.dumps(FUNCTIONS[call.function.name](**arguments))
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

    @otelier.step
    def write(self, question: str, notes: str) -> str:
        """The answer, printed while it is written, by the first model that there is."""
        for model in WRITERS:
            try:
                return self.stream(model, question, notes)
            except anthropic.NotFoundError:
                print(f"({model} is not there, trying the next)")
        raise RuntimeError("there is no model to write the answer")

    def stream(self, model: str, question: str, notes: str) -> str:
        with self.anthropic.messages.stream(
            model=model,
            max_tokens=4000,
            thinking={"type": "adaptive"},
            system="Answer the employee's question from the notes: friendly, brief, no headings.",
            messages=[{"role": "user", "content": f"{question}\n\nNotes: {notes}"}],
        ) as stream:
            for text in stream.text_stream:
                print(text, end="", flush=True)
            print()
            return stream.get_final_text()


def cosine(a: list[float], b: list[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


@contextmanager
def local_provider() -> Iterator[int]:
    """The stand-in, in a process of its own; gives its port."""
    script = Path(__file__).with_name("local_provider.py")
    # -I keeps instrumentation that is meant for this process out of that one.
    process = subprocess.Popen(
        [sys.executable, "-I", str(script), "0", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--live", action="store_true", help="real providers, where keys are set")
    args = parser.parse_args()
    with local_provider() as port:
        pipeline = Pipeline(
            openai.OpenAI()
            if args.live and os.environ.get("OPENAI_API_KEY")
            else openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none"),
            anthropic.Anthropic()
            if args.live and os.environ.get("ANTHROPIC_API_KEY")
            else anthropic.Anthropic(base_url=f"http://localhost:{port}", api_key="none"),
        )
        with otelier.session(
            conversation_id="conv-handbook-1",
            session_id="session-42",
            user_id="ada",
            tags=["demo"],
            metadata={"tier": "gold"},
        ):
            pipeline.answer(args.question)


if __name__ == "__main__":
    main()
