"""A turn of a conversation as the spans of its trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from benchmarks.store.talks import TOOLS, Talk
from otelier import semconv as s
from otelier.store.spans import StoredScope, StoredSpan

SCHEMA: Final = "https://opentelemetry.io/schemas/1.41.0"
OURS: Final = StoredScope("otelier", "0.1.0", schema_url=SCHEMA)
HTTPX: Final = StoredScope("opentelemetry.instrumentation.httpx", "0.66b1", schema_url=SCHEMA)
FASTAPI: Final = StoredScope("opentelemetry.instrumentation.fastapi", "0.66b1", schema_url=SCHEMA)
SOURCES: Final = ("handbook", "tickets", "wiki")
# What one of a hundred of these is answered with instead.
FAILURES: Final = (
    ("RateLimitError", 429, "rate_limit_exceeded"),
    ("APITimeoutError", 504, "timeout"),
    ("InternalServerError", 500, "server_error"),
)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: who has it, and USD for a million tokens of input, output, cached input."""

    provider: str
    name: str
    answers_as: str
    address: str
    prices: tuple[float, float, float] | None


MODELS: Final = (
    Model("openai", "gpt-6.1-sol", "gpt-6.1-sol-2026-09-17", "api.openai.com", (2.0, 10.0, 0.2)),
    Model("openai", "gpt-6-luna", "gpt-6-luna-2026-09-17", "api.openai.com", (0.1, 0.5, 0.05)),
    Model("anthropic", "claude-sonnet-5-5", "claude-sonnet-5-5", "api.anthropic.com", (2, 10, 0.2)),
    Model("mistral_ai", "mistral-small-latest", "mistral-small-2609", "api.mistral.ai", (1, 3, 1)),
    # Has no price.
    Model("ollama", "llama3.2", "llama3.2", "localhost", None),
)
SORTER: Final = MODELS[1]
EMBEDDER: Final = "text-embedding-3-small"


class Turn:
    """One trace of a conversation: spans are added when they end."""

    def __init__(self, talk: Talk, start_ns: int) -> None:
        self.talk = talk
        self.random = talk.maker.random
        self.words = talk.maker.words
        self.content = talk.maker.content
        self.trace_id = f"{self.random.getrandbits(128):032x}"
        self.now = start_ns
        self.made: list[StoredSpan] = []
        talk.turns += 1

    def run(self) -> list[StoredSpan]:
        """A question and all that answers it."""
        talk, random = self.talk, self.random
        server, workflow, agent = self.id(), self.id(), self.id()
        began = self.now
        question = talk.say("user", random.randrange(60, 400))
        asked = {s.INPUT_MESSAGES: f"[{question}]"} if self.content else {}
        self.chat(SORTER, workflow, 60, alone=question)
        self.retrieval(workflow)
        agent_began = self.now
        model = random.choice(MODELS)
        for _ in range(random.randrange(3)):
            self.chat(model, agent, 200, calls=True)
            self.tool(agent)
        self.chat(model, agent, random.randrange(150, 600))
        told = {s.OUTPUT_MESSAGES: f"[{talk.history[-1]}]"} if self.content else {}
        self.add(
            "invoke_agent researcher",
            agent,
            workflow,
            agent_began,
            {s.OPERATION_NAME: s.INVOKE_AGENT, s.AGENT_NAME: "researcher", **talk.about,
             s.PROMPT_NAME: "research", s.PROMPT_VERSION: talk.version, **asked, **told},
        )  # fmt: skip
        self.add(
            "invoke_workflow answer_question",
            workflow,
            server,
            began + 1_000_000,
            {s.OPERATION_NAME: s.INVOKE_WORKFLOW, s.WORKFLOW_NAME: "answer_question",
             **talk.about, **asked, **told},
        )  # fmt: skip
        self.http("POST /chat", server, None, began, FASTAPI, "SERVER")
        return self.made

    def id(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def chat(
        self, model: Model, parent: str, size: int, calls: bool = False, alone: str = ""
    ) -> None:
        """A model call that answers by so many bytes (or ``calls`` a tool) and its HTTP request.

        It is sent the whole conversation, or one message ``alone``.
        """
        talk, random, began, span_id = self.talk, self.random, self.now, self.id()
        attributes: dict[str, Any] = {
            s.OPERATION_NAME: s.CHAT,
            s.PROVIDER_NAME: model.provider,
            s.REQUEST_MODEL: model.name,
            s.REQUEST_TEMPERATURE: 0.2,
            s.SERVER_ADDRESS: model.address,
            s.SERVER_PORT: 443,
            **talk.about,
        }
        if not alone:
            attributes[s.PROMPT_NAME] = "research"
            attributes[s.PROMPT_VERSION] = talk.version
        sent = [alone] if alone else talk.history
        content: dict[str, str] = {}
        if self.content:
            if model.provider == "anthropic":
                part = talk.system.partition('"parts":')[2][:-1]
                content[s.SYSTEM_INSTRUCTIONS] = part
                content[s.INPUT_MESSAGES] = "[" + ",".join(sent) + "]"
            else:
                content[s.INPUT_MESSAGES] = "[" + ",".join([talk.system, *sent]) + "]"
            if not alone:
                content[s.TOOL_DEFINITIONS] = talk.tools
        took = random.randrange(200, 6000) * 1_000_000
        self.http("POST", self.id(), span_id, began + 500_000, HTTPX, "CLIENT", took)
        if random.random() < 0.03:
            kind, status, code = random.choice(FAILURES)
            attributes |= {
                s.ERROR_TYPE: f"{model.provider}.{kind}",
                s.HTTP_STATUS: status,
                s.PROVIDER_ERROR_CODE: code,
            }
            if self.content and not alone:
                talk.history.append(self.words.said("assistant", 40))
            self.add(f"chat {model.name}", span_id, parent, began, attributes | content, "ERROR")
            return
        read = (1500 if self.content else 300) + sum(map(len, sent)) // 4
        wrote = size // 4 + random.randrange(20)
        cached = read // 128 * 96 if talk.turns > 1 and model.prices else 0
        attributes |= {
            s.RESPONSE_ID: f"chatcmpl-{self.id()}{self.id()[:8]}",
            s.RESPONSE_MODEL: model.answers_as,
            s.RESPONSE_FINISH_REASONS: ("tool_call",) if calls else ("stop",),
            s.USAGE_INPUT: read,
            s.USAGE_OUTPUT: wrote,
            s.PROVIDER_REQUEST_ID: f"req_{self.id()}{self.id()[:8]}",
        }
        if not alone and not calls:
            attributes[s.REQUEST_STREAM] = True
            attributes[s.RESPONSE_TIME_TO_FIRST_CHUNK] = took / 5e9
        if cached:
            attributes[s.USAGE_CACHE_READ] = cached
        if model.prices:
            paid = model.prices
            parts = ((read - cached) * paid[0] / 1e6, wrote * paid[1] / 1e6, cached * paid[2] / 1e6)
            attributes |= {
                s.COST: sum(parts),
                s.COST_SOURCE: "prices",
                s.COST_INPUT: parts[0],
                s.COST_OUTPUT: parts[1],
            }
        if self.content:
            answer = self.words.call(TOOLS, size) if calls else self.words.said("assistant", size)
            if not alone:
                talk.history.append(answer)
            content[s.OUTPUT_MESSAGES] = f"[{answer}]"
        self.add(f"chat {model.name}", span_id, parent, began, attributes | content)

    def retrieval(self, parent: str) -> None:
        """A search by an embedding, which fails once in a while."""
        random, began, span_id, source = (
            self.random,
            self.now,
            self.id(),
            self.random.choice(SOURCES),
        )
        tokens = random.randrange(8, 60)
        price = tokens * 0.02 / 1e6
        self.http("POST", self.id(), parent, began, HTTPX, "CLIENT", 40_000_000)
        self.add(
            f"embeddings {EMBEDDER}",
            self.id(),
            span_id,
            began + 200_000,
            {s.OPERATION_NAME: s.EMBEDDINGS, s.PROVIDER_NAME: "openai", s.REQUEST_MODEL: EMBEDDER,
             s.SERVER_ADDRESS: "api.openai.com", s.SERVER_PORT: 443, **self.talk.about,
             s.RESPONSE_MODEL: EMBEDDER, s.USAGE_INPUT: tokens, s.COST: price,
             s.COST_SOURCE: "prices", s.COST_INPUT: price},
        )  # fmt: skip
        told: dict[str, Any] = {
            s.OPERATION_NAME: s.RETRIEVAL,
            s.DATA_SOURCE_ID: source,
            s.RETRIEVAL_TOP_K: 3,
            **self.talk.about,
        }
        failed = random.random() < 0.02
        if failed:
            told[s.ERROR_TYPE] = "TimeoutError"
        if self.content:
            told[s.RETRIEVAL_QUERY] = self.words.text(80)
            told[s.RETRIEVAL_DOCUMENTS] = "[]" if failed else self.words.documents(3, 400)
        state = "ERROR" if failed else "UNSET"
        self.add(f"retrieval {source}", span_id, parent, began, told, state)

    def tool(self, parent: str) -> None:
        """A tool runs, which fails once in a while; its result is said."""
        began, name, failed = self.now, self.random.choice(TOOLS), self.random.random() < 0.03
        self.now += self.random.randrange(5, 500) * 1_000_000
        told: dict[str, Any] = {
            s.OPERATION_NAME: s.EXECUTE_TOOL,
            s.TOOL_TYPE: "function",
            s.TOOL_NAME: name,
            s.AGENT_NAME: "researcher",
            **self.talk.about,
        }
        if failed:
            told[s.ERROR_TYPE] = "ConnectionError"
        result = self.talk.say("tool", self.random.randrange(100, 500))
        if self.content:
            told[s.TOOL_CALL_ARGUMENTS] = f'{{"query":"{self.words.escaped(60)}"}}'
            told[s.TOOL_CALL_RESULT] = result.partition('"content":')[2][:-3]
        state = "ERROR" if failed else "UNSET"
        self.add(f"execute_tool {name}", self.id(), parent, began, told, state)

    def http(
        self, name: str, span_id: str, parent: str | None, began: int,
        scope: StoredScope, kind: str, took: int = 0,
    ) -> None:  # fmt: skip
        """A span of another instrumentation."""
        self.now = max(self.now, began) + took
        told = {
            "http.request.method": "POST",
            "url.full": "https://example.org/v1/chat",
            s.HTTP_STATUS: 200,
            s.SERVER_ADDRESS: "example.org",
        }
        self.add(name, span_id, parent, began, told, kind=kind, scope=scope)

    def add(
        self,
        name: str,
        span_id: str,
        parent: str | None,
        began: int,
        attributes: dict[str, Any],
        status: str = "UNSET",
        kind: str | None = None,
        scope: StoredScope = OURS,
    ) -> None:
        """A span ends now."""
        self.now += 300_000
        client = s.PROVIDER_NAME in attributes or attributes.get(s.OPERATION_NAME) == s.RETRIEVAL
        self.made.append(
            StoredSpan(
                trace_id=self.trace_id,
                span_id=span_id,
                parent_id=parent or None,
                name=name,
                kind=kind or ("CLIENT" if client else "INTERNAL"),
                start_ns=began,
                end_ns=self.now,
                attributes=attributes,
                status=status,
                scope=scope,
                resource=self.talk.process,
                flags=0x100,
            )
        )
