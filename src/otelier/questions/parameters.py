"""Parameters that many questions have."""

from __future__ import annotations

from typing import Final

from otelier.questions.model import Parameter


def text(name: str, help: str, where: str = "") -> Parameter:
    """A text that a column of this name equals, unless the condition is another."""
    return Parameter(name, "text", help, where=where or f"{name} = :{name}")


def flag(name: str, help: str, where: str = "") -> Parameter:
    """A condition that is asked for, or not."""
    return Parameter(name, "bool", help, False, where=where)


def limit(most: int) -> Parameter:
    """How many rows at most."""
    return Parameter("limit", "int", "how many rows at most; 0 for all", most)


SINCE: Final = Parameter("since", "time", "only what began then or later", where="time >= :since")
UNTIL: Final = Parameter("until", "time", "only what began before then", where="time < :until")
PERIOD: Final = (SINCE, UNTIL)

SESSION: Final = text("session", "only of this session")
CONVERSATION: Final = text("conversation", "only of this conversation")
USER: Final = text("user", "only of this user")
TENANT: Final = text("tenant", "only of this tenant")
TAG: Final = text("tag", "only with this tag", "has(tags, :tag)")
MODEL: Final = text(
    "model",
    "only of this model, as it was asked for or as it answered",
    "(model = :model OR response_model = :model)",
)
PROVIDER: Final = text("provider", "only of this provider")
SERVICE: Final = text("service", "only of this service")
OPERATION: Final = text(
    "operation", "only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ..."
)
STATUS: Final = text("status", "only what ended so: ok, error, closed, cancelled, abandoned")
AGENT: Final = text("agent", "only where the span itself names this agent")
TOOL: Final = text("tool", "only of this tool")
PROMPT: Final = text("prompt", "only of this prompt")
ERROR: Final = text("error", "only failures of this type", "status = 'error' AND error = :error")
TASK: Final = text("task", "only of this task")

# Who and what a row is of.
WHOSE: Final = (SESSION, CONVERSATION, USER, TENANT, TAG)
WHICH: Final = (MODEL, PROVIDER, SERVICE)
ALL: Final = (*PERIOD, *WHOSE, *WHICH)
