"""Who asks for what sentiment.py's workers tell: ``python -m …reviews one``."""

from __future__ import annotations

import sys

from celery import chain

import otelier
from tests.lineage.services.apps.sentiment import hopeless, patient, report, sentiment


def one() -> None:
    with otelier.workflow("reviews"):
        print("result", sentiment.delay("good coffee").get(timeout=60))


def many() -> None:
    """What several people ask side by side."""
    with otelier.workflow("reviews"):
        asked = [sentiment.delay(f"coffee {number}") for number in range(4)]
        for each in asked:
            each.get(timeout=60)


def chained() -> None:
    with otelier.workflow("reviews"):
        print("result", chain(sentiment.s("good coffee"), report.s())().get(timeout=60))


def retried() -> None:
    with otelier.workflow("reviews"):
        print("result", patient.delay("cold coffee").get(timeout=60))


def failed() -> None:
    with otelier.workflow("reviews"):
        try:
            hopeless.delay("tea").get(timeout=60)
        except ValueError as problem:
            print("failed", problem)


def of_a_user() -> None:
    with otelier.session(session_id="s-1", user_id="ada", conversation_id="c-1"):
        one()


if __name__ == "__main__":
    vars()[sys.argv[1]]()
