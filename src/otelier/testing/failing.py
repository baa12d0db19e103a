"""What asserts say when they fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import ndiff

from opentelemetry.sdk.trace import ReadableSpan

from otelier.testing.records import Call, Tool
from otelier.testing.records import called as shown
from otelier.viewer.facts import Facts
from otelier.viewer.text import dollars


def trees(wanted: str, found: str) -> str:
    """How two trees differ, and the one that was recorded: to be looked at, and pasted."""
    lines = ndiff(wanted.splitlines(), found.splitlines())
    difference = [line.rstrip() for line in lines if not line.startswith("? ")]
    return _text(
        "the trace is another one (- expected, + recorded):",
        *difference,
        "recorded:" if found else "nothing was recorded",
        *found.splitlines(),
    )


def not_called(
    tool: str, arguments: dict[str, object], tools: Sequence[Tool], calls: Sequence[Call]
) -> str:
    """What was executed instead, and whether a model asked for it."""
    executed = [shown(each.tool, each.arguments) for each in tools]
    asked = [each for call in calls for each in call.tool_calls if each.name == tool]
    lines = [f"{shown(tool, arguments)} was not executed"]
    lines += ["executed:", *_indented(executed)] if executed else ["no tool was"]
    if asked and not any(each.tool == tool for each in tools):
        lines += [
            "a model asked for it (is the function an otelier.tool?):",
            *_indented([repr(each) for each in asked]),
        ]
    return _text(*lines)


def called(tool: str, found: Sequence[Tool]) -> str:
    """How it was."""
    return _text(f"{tool} was executed:", *_indented([repr(each)[1:-1] for each in found]))


def errors(failed: Sequence[tuple[ReadableSpan, Facts]]) -> str:
    """What failed, and how."""
    lines = []
    for span, known in failed:
        words = (known.error_type or "error", known.error_message)
        lines.append(f"{span.name}: {': '.join(word for word in words if word)}")
    return _text("failed:", *_indented(lines))


def cost(most: float, known: float, unpriced: Sequence[Call], calls: Sequence[Call]) -> str:
    """Why it is not known to have cost so little; empty if it is."""
    lines = []
    if known > most:
        lines += [f"it cost {_money(known)}, more than {_money(most)}:"]
        lines += _indented([repr(each)[1:-1] for each in calls])
    if unpriced:
        other = "besides, the" if lines else "the"
        lines += [f"{other} cost of these calls is not known, or not wholly:"]
        lines += _indented([repr(each)[1:-1] for each in unpriced])
    return _text(*lines)


def still(names: Sequence[str]) -> str:
    """What may have been looked at too early."""
    return f"\nnot ended yet: {', '.join(names)}" if names else ""


def number(count: int, what: str) -> str:
    """``2 model calls``."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _money(amount: float) -> str:
    return dollars(amount) if amount else "$0.00"


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _text(*lines: str) -> str:
    return "\n".join(lines)
