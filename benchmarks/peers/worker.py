"""A process in the environment of one variant: takes questions as lines of JSON, answers so.

``python -m benchmarks.peers.worker``. What the SDKs and others print does not come between.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final


def versions(names: list[str]) -> dict[str, str]:
    """Which versions of distributions are here."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def missing(scenario: dict[str, Any], variant: str) -> dict[str, Any]:
    """What a variant records of a scenario, and why it cannot be compared."""
    from benchmarks.peers.recorded import recorded
    from benchmarks.scenarios import Scenario

    found = recorded(Scenario(**scenario), variant)
    return {"missing": found.missing(scenario["content"]), **vars(found)}


def least(scenario: dict[str, Any], variant: str, seconds: float) -> float:
    """The least time of one operation, in microseconds."""
    from benchmarks.scenarios import Bench, Scenario
    from benchmarks.timing import least

    with Bench(Scenario(**scenario), variant) as bench:
        return least(bench, seconds, first=False)


def calls(scenario: dict[str, Any], variant: str) -> int:
    """Function calls of one operation, Python's and C's."""
    from benchmarks.counting import operation
    from benchmarks.scenarios import Scenario

    return operation(Scenario(**scenario), variant).total


ANSWERS: Final[dict[str, Callable[..., Any]]] = {
    each.__name__: each for each in (versions, missing, calls, least)
}


def serve() -> None:
    """Answer until nobody asks."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            name, arguments = json.loads(line)
            try:
                found = {"found": ANSWERS[name](**arguments)}
            except Exception as problem:
                found = {"failed": f"{type(problem).__name__}: {problem}"}
            print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    serve()
