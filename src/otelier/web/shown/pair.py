"""Two steps beside each other: what differs in what was asked, how, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelier import semconv
from otelier.questions.cells import compact
from otelier.viewer.facts import Attributes, Facts
from otelier.web.shown import contents
from otelier.web.shown.contents import Messages, Text
from otelier.web.shown.measures import Measure, measure
from otelier.web.shown.texts import Effort
from otelier.web.shown.tree import Nodes

# Parameters of a call, by the beginnings of their names; what of these is shown elsewhere.
_PARAMETERS: Final = (
    "gen_ai.request.",
    "gen_ai.prompt.",
    "gen_ai.output.",
    "gen_ai.embeddings.",
    "gen_ai.retrieval.top_k",
    "openai.request.",
    "aws.bedrock.",
    "otelier.metadata.",
    "server.address",
)
_ELSEWHERE: Final = frozenset(
    {semconv.REQUEST_MODEL, semconv.OUTPUT_MESSAGES, semconv.RETRIEVAL_QUERY}
)

_Fact: TypeAlias = Callable[[Facts], float | int | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """A fact of both in words; None where a side does not say it."""

    name: str
    a: str | None
    b: str | None

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.a == self.b


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps."""

    measures: tuple[Measure, ...]
    settings: tuple[Setting, ...]
    system: Text | None
    tools: tuple[Text, ...]
    same_tools: int
    """How many tools are the same in both."""
    messages: Messages | None
    answers: Messages | None
    texts: tuple[Text, ...]
    cut: tuple[bool, bool]
    """Of which content was cut when it was recorded."""


def pair(a: tuple[Nodes, int], b: tuple[Nodes, int]) -> Pair:
    """Two steps, each a trace and where the step is in it."""
    (node_a, facts_a), (node_b, facts_b) = (found[at] for found, at in (a, b))
    one, other = node_a.span.attributes, node_b.span.attributes
    effort = Effort()
    # What somebody looks for first is compared first.
    answers = contents.messages("Answer", semconv.OUTPUT_MESSAGES, one, other, effort)
    system = contents.system(one, other, effort)
    messages = contents.messages("Messages", semconv.INPUT_MESSAGES, one, other, effort)
    tools, same_tools = contents.tools(one, other, effort)
    return Pair(
        tuple(_measures(facts_a, facts_b)),
        tuple(_settings(facts_a, facts_b, one, other)),
        system,
        tools,
        same_tools,
        messages,
        answers,
        tuple(contents.texts(one, other, effort)),
        (bool(one.get(semconv.CONTENT_TRUNCATED)), bool(other.get(semconv.CONTENT_TRUNCATED))),
    )


# --- numbers and parameters -------------------------------------------------------------------

_MEASURES: Final[tuple[tuple[str, str, _Fact], ...]] = (
    ("cost", "USD", lambda known: known.cost),
    ("time", "s", lambda known: known.seconds),
    ("first chunk", "s", lambda known: known.first_chunk),
    ("tokens read", "tokens", lambda known: known.tokens.input),
    ("of these cached", "tokens", lambda known: known.tokens.cached),
    ("tokens written", "tokens", lambda known: known.tokens.output),
    ("of these reasoning", "tokens", lambda known: known.tokens.reasoning),
)


def _measures(a: Facts, b: Facts) -> Iterator[Measure]:
    """Those that at least one of them tells."""
    for name, unit, fact in _MEASURES:
        one, other = fact(a), fact(b)
        if one is not None or other is not None:
            partial = (a.partial, b.partial) if unit == "USD" else (False, False)
            yield measure(name, unit, one, other, partial=partial)


def _settings(a: Facts, b: Facts, one: Attributes, other: Attributes) -> Iterator[Setting]:
    """What was asked and how it ended; what differs first."""
    found = [
        Setting("step", _step(a), _step(b)),
        Setting("model", a.model or None, b.model or None),
        Setting("provider", a.provider or None, b.provider or None),
        Setting("finish", _listed(a.finish_reasons), _listed(b.finish_reasons)),
        Setting("error", _error(a), _error(b)),
        Setting("left", a.left or None, b.left or None),
    ]
    names = sorted(name for name in {*one, *other} - _ELSEWHERE if name.startswith(_PARAMETERS))
    found += [
        Setting(name.removeprefix("gen_ai."), _word(one, name), _word(other, name))
        for name in names
    ]
    told = [each for each in found if each.a is not None or each.b is not None]
    yield from sorted(told, key=lambda each: each.same)


def _step(known: Facts) -> str:
    return f"{known.label} {known.name}".strip() or "span"


def _listed(words: Sequence[str]) -> str | None:
    return ", ".join(words) or None


def _error(known: Facts) -> str | None:
    if not known.failed:
        return None
    return ": ".join(filter(None, (known.error_type, known.error_message))) or "failed"


def _word(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return None if value is None else compact(_plain(value))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
