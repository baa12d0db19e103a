"""Conversations: who has them, about what, and what was said so far."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from benchmarks.store.words import Words
from otelier import semconv as s
from otelier.store.spans import StoredResource

TOOLS: Final = ("search_orders", "open_ticket", "leave_balance", "days_until", "read_page")
SERVICES: Final = ("assistant", "assistant", "assistant", "support", "research")
TAGS: Final = (("stable",), ("stable", "demo"), ("beta",), ("beta", "demo"))


class Maker:
    """Makes conversations from one source of chance."""

    def __init__(self, random: Random, content: bool, users: int) -> None:
        self.random = random
        self.words = Words(random)
        self.content = content
        self.users = users
        self.processes = [
            StoredResource(
                {
                    "telemetry.sdk.language": "python",
                    "telemetry.sdk.name": "opentelemetry",
                    "telemetry.sdk.version": "1.45.2",
                    "service.instance.id": f"{random.getrandbits(128):032x}",
                    "service.name": name,
                }
            )
            for name in SERVICES
        ]
        self.prompts = {
            name: (self.words.said("system", 600), self.words.tools(TOOLS, 180))
            for name in SERVICES
        }

    def conversation(self) -> Talk:
        return Talk(self)


class Talk:
    """A conversation: who, about what, and what was said so far."""

    def __init__(self, maker: Maker) -> None:
        random = maker.random
        self.maker = maker
        self.process = random.choice(maker.processes)
        self.turns = 0
        self.last_turn = 1 + int(random.expovariate(0.35))
        user = int(maker.users * random.random() ** 2)
        tags = random.choice(TAGS)
        # Two versions of the prompt; which one, a tag says.
        self.version = "2" if tags[0] == "beta" else "1"
        name = f"{random.getrandbits(64):016x}"
        self.about: dict[str, Any] = {
            s.CONVERSATION_ID: f"conv-{name}",
            s.SESSION_ID: f"session-{name}",
            s.USER_ID: f"user-{user}",
            s.TAGS: tags,
            s.METADATA + "tenant": f"tenant-{user % 12}",
            s.METADATA + "task_id": f"task-{name[:8]}",
        }
        self.system, self.tools = maker.prompts[self.process.attributes["service.name"]]
        # Messages as JSON, without what the system says.
        self.history: list[str] = []

    def say(self, role: str, size: int) -> str:
        """Somebody says something of about so many bytes; the message as JSON."""
        if not self.maker.content:
            return ""
        message = self.maker.words.said(role, size)
        self.history.append(message)
        return message
