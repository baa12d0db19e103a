"""All questions."""

from __future__ import annotations

from typing import Final

from otelier.questions.about import (
    cache,
    comparing,
    conversation,
    failures,
    latency,
    single,
    sums,
    talk,
    threads,
    tools,
    traces,
    whole,
)
from otelier.questions.model import Question

QUESTIONS: Final[tuple[Question, ...]] = (
    *traces.QUESTIONS,
    *single.QUESTIONS,
    *whole.QUESTIONS,
    *sums.QUESTIONS,
    *threads.QUESTIONS,
    *cache.QUESTIONS,
    *latency.QUESTIONS,
    *failures.QUESTIONS,
    *tools.QUESTIONS,
    *conversation.QUESTIONS,
    *comparing.QUESTIONS,
    *talk.QUESTIONS,
)
BY_NAME: Final = {question.name: question for question in QUESTIONS}
# By the names of their rows' types.
BY_ROW: Final = {question.row: question for question in QUESTIONS}
