"""Prompts by name: which one a model call was made with, in which version, filled with what.

Names, versions and variables are the conventions': ``gen_ai.prompt.name``,
``gen_ai.prompt.version`` and ``gen_ai.prompt.variable.<key>``. Variables are content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NotRequired, Required, TypedDict

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, semconv, unicode, values
from otelier.content import Policy
from otelier.semconv import Attributes

_MOST_VARIABLES: Final = 64
_MOST_CHARACTERS: Final = 256
_DEEPEST: Final = 32


class Prompt(TypedDict, total=False):
    """A prompt that has a name, for ``session`` and steps."""

    name: Required[str]
    version: NotRequired[str]
    # What it was filled with. Recorded where content is.
    variables: NotRequired[Mapping[str, Any]]


class Named:
    """A prompt as it is recorded."""

    __slots__ = ("attributes", "variables")

    def __init__(self, attributes: Attributes, variables: dict[str, str]) -> None:
        self.attributes = attributes
        self.variables = variables

    def fill(self, policy: Policy, found: Attributes) -> None:
        """The variables, as content."""
        for key, value in self.variables.items():
            # What is called a password is one, whatever it looks like.
            policy.text(semconv.PROMPT_VARIABLE + key, policy.named(key, value), found)


class Slot:
    """A place in the context where a prompt may be told of later."""

    __slots__ = ("_above", "depth", "own")

    def __init__(self, own: Named | None, above: Named | Slot | None) -> None:
        self.own = own
        self._above = above
        self.depth: int = above.depth + 1 if isinstance(above, Slot) else 0

    def find(self) -> Named | None:
        """The prompt that is here, or that of the places around it."""
        place: Named | Slot | None = self
        while isinstance(place, Slot):
            place = place.own or place._above
        return place


def folded(above: Named | Slot | None) -> Named | Slot | None:
    """The same, or what it is now where places would be in places without end."""
    return above.find() if isinstance(above, Slot) and above.depth >= _DEEPEST else above


def named(prompt: Prompt | str | None) -> Named | None:
    """What a program says of a prompt; None where it has no name. Never raises."""
    try:
        kind = type(prompt)
        shown = {"name": prompt} if issubclass(kind, str) else values.plain(prompt)
        if type(shown) is not dict or not shown.get("name"):
            return None
        attributes: Attributes = {semconv.PROMPT_NAME: values.words(shown["name"])}
        version = shown.get("version")
        if version is not None and version != "":
            attributes[semconv.PROMPT_VERSION] = values.words(version)
        given = shown.get("variables")
        variables = (
            {
                unicode.clean(key)[:_MOST_CHARACTERS]: values.words(value)
                for key, value in list(given.items())[:_MOST_VARIABLES]
            }
            if type(given) is dict
            else {}
        )
        return Named(unicode.attributes(attributes), variables)
    except Exception:
        guard.failed("prompts.named")
        return None


def here(context: Context) -> Named | None:
    """The prompt that model calls in a context are made with."""
    found: Any = context.get(ctx.PROMPT)
    return found.find() if isinstance(found, Slot) else found


def put(context: Context, attributes: Attributes) -> None:
    """Say of a model call which prompt it is made with, unless its request says so itself."""
    found = here(context)
    if found is not None and semconv.PROMPT_NAME not in attributes:
        attributes.update(found.attributes)


def fill(context: Context, asked: Attributes, policy: Policy, found: Attributes) -> None:
    """Say with what the prompt was filled that is in ``asked``, where content is recorded."""
    prompt = here(context)
    # Not one that the request has named, or that the session was told of since.
    if prompt is not None and prompt.attributes.items() <= asked.items():
        prompt.fill(policy, found)
