"""A session or a conversation: its chat, across traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages.shell import NothingError, Shell
from otelier.web.pages.talks_read import Talk, Talks, Whose, around, began, tenant
from otelier.web.shown import said, talk
from otelier.web.shown.talk import Window

# What is shown by itself, and the question that lists all of them.
KINDS: Final = {"session": BY_NAME["sessions"], "conversation": BY_NAME["conversations"]}
_COLUMNS: Final = {column.name: column for column in BY_NAME["conversation"].columns}
# Messages that are shown at once, those of them above the one that a link leads to, and how many
# there may be on a page that grows.
_SHOWN: Final = 60
_ABOVE: Final = 10
_GROWN: Final = 300


class _Id(Convertor[str]):
    """An id, whatever is in it: slashes and ends of lines, too."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())


def routes(shell: Shell) -> list[Route]:
    """The two pages."""
    talks = Talks()

    def page(kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            id = request.path_params["id"]
            given = dict(request.query_params)
            return await shell.page(
                request, "talk.html", lambda engine: _found(engine, talks, kind, id, given)
            )

        return answer

    return [Route(f"/{kind}s/{{id:id}}", page(kind), methods=["GET"]) for kind in KINDS]


def _found(
    engine: Engine, talks: Talks, kind: str, id: str, given: Mapping[str, str]
) -> dict[str, Any]:
    threads = ask(KINDS[kind], engine, **{kind: id}, limit=0)
    wanted = given.get("tenant")
    if wanted is None and len(threads) > 1 and given.get("around"):
        wanted = tenant(engine, kind, id, given["around"])
    about = next((row for row in threads if wanted in (None, row.tenant)), None)
    if about is None:
        of = f" of the tenant {wanted}" if wanted else ""
        raise NothingError(f"There is no {kind} {id}{of} here, or not yet.")
    whose = Whose(kind, id, about.tenant)
    read = talks.read(engine, whose)
    shown = _window(engine, read, whose, given)
    plain = bool(given.get("plain"))

    def url(**more: str) -> str:
        """This page with other words; they may be empty, as a tenant may be.

        Without its path: an id may be long, and the page has many links to itself.
        """
        kept = {"tenant": about.tenant} if len(threads) > 1 else {}
        return "?" + urlencode({**kept, **({"plain": "1"} if plain else {}), **more})

    return {
        "title": f"{kind.capitalize()} {id}",
        "kind": kind,
        "id": id,
        "url": url,
        "live": "?" + urlencode({kind: id, "tenant": about.tenant}),
        "about": about,
        "columns": {column.name: column for column in KINDS[kind].columns},
        "so_far": _COLUMNS,
        # Those that others have under the same id.
        "others": [row.tenant for row in threads if row is not about],
        "asked_for": next((word for word in _WINDOWS if given.get(word)), ""),
        "window": shown,
        "tail": {
            "from": shown.first,
            "above": str(shown.above),
            **{word: given[word] for word in ("around",) if given.get(word)},
        },
        "missed": max(0, shown.above - int(given.get("above") or shown.above)),
        "items": said.items(shown.entries, around(engine, shown.entries), plain=plain),
        "around": given.get("around", ""),
        "plain": plain,
    }


# What of it is asked for, each by the key of an entry or by the id of a span.
_WINDOWS: Final = ("before", "after", "from", "around")


def _window(engine: Engine, read: Talk, whose: Whose, given: Mapping[str, str]) -> Window:
    if key := given.get("before"):
        return talk.before(read.entries, key, _SHOWN)
    if key := given.get("after"):
        return talk.behind(read.entries, key, _SHOWN)
    if key := given.get("from"):
        return talk.behind(read.entries, key, _GROWN)
    if span_id := given.get("around"):
        return talk.around(read.entries, _place(engine, read, whose, span_id), _SHOWN, _ABOVE)
    return talk.newest(read.entries, _SHOWN)


def _place(engine: Engine, read: Talk, whose: Whose, span_id: str) -> str:
    """The line of a call; of a step without one that of the call that it came after."""
    for entry in read.entries:
        if entry.kind in ("call", "failure") and entry.about.span_id == span_id:
            return entry.key
    time = began(engine, whose, span_id)
    if time is None:
        raise NothingError(f"There is no step {span_id} in this {whose.kind}, or not yet.")
    return talk.at_time(read.entries, time)
