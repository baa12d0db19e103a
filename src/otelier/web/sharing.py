"""One trace as HTML that needs nobody: no server, no script, no other file.

As a document to be sent to somebody, and as a fragment for a notebook. Both are redacted once
more. Only what jinja2 and markdown-it-py bring is needed, no server's package.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from otelier.store.evaluations import Evaluations
from otelier.store.redacting import Redactor, in_force, redacted
from otelier.store.spans import StoredSpan
from otelier.web.pages.rendering import environment, render
from otelier.web.shown import about, shared, step, tree

# What all of it is in: the sheet's rules hold in there and nowhere else.
CLASS: Final = "otelier-trace"
_ID: Final = re.compile(r"[0-9a-f]{8,64}")
# Stands in the document's head.
_GENERATOR: Final = b'<meta name="generator" content="otelier '
_SECTION: Final = re.compile(r"/\* --- (.+?) --- \*/")
# Of the pages' sheet: what has no name comes before the first section.
_SECTIONS: Final = ("", "a step", "messages")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large it may become."""

    spans: int
    bytes: int
    again: int
    """Bytes of messages that a step before has shown, and that are shown once more."""


FILE: Final = Bounds(10_000, 50 << 20, 4 << 20)
NOTEBOOK: Final = Bounds(300, 1 << 20, 128 << 10)


@dataclass(frozen=True, slots=True)
class Made:
    """A trace as HTML."""

    title: str
    html: Markup
    spans: int
    notes: Sequence[shared.Note]

    def encode(self) -> bytes:
        """As UTF-8, which has no halves of surrogate pairs."""
        return self.html.encode("utf-8", "replace")


def document(
    spans: Sequence[StoredSpan], judged: Evaluations, redactor: Redactor | None = None
) -> Made:
    """A whole page, to be written into a file as UTF-8."""
    made = _made(spans, judged, redactor, FILE)
    told = {
        "title": made.title,
        "html": made.html,
        "style": Markup(style()),
        "policy": policy(),
        "class": CLASS,
    }
    return Made(made.title, Markup(render("shared.html", "", told)), made.spans, made.notes)


def fragment(spans: Sequence[StoredSpan], judged: Evaluations) -> str:
    """An element to be put into any page, with the sheet that holds for it alone."""
    html = _made(spans, judged, None, NOTEBOOK).html
    return f'<div class="{CLASS}"><style>{style()}</style>{html}</div>'


def file_name(trace_id: str) -> str:
    """What the document of a trace is called in a folder, where nobody says it."""
    return f"trace-{trace_id[:8]}.html" if _ID.fullmatch(trace_id) else "trace.html"


def is_document(begins: bytes) -> bool:
    """Whether a file that begins so has been made by ``document``."""
    return _GENERATOR in begins


def policy() -> str:
    """What a browser is told of the document: run nothing, ask nobody, draw what is in it."""
    digest = base64.b64encode(sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def style() -> str:
    """The parts of the pages' sheet that are about content, and its own; for CLASS alone."""
    static = files("otelier.web") / "static"
    parts = _SECTION.split((static / "otelier.css").read_text("utf-8"))
    named = dict(zip(("", *parts[1::2]), parts[::2], strict=True))
    own = (static / "shared.css").read_text("utf-8")
    told = "".join((*(named[section] for section in _SECTIONS), own))
    # Twice, so that a notebook's rules for lists and the like do not hold in there.
    return f".{CLASS}.{CLASS} {{\n{told.replace(':root', '&')}}}\n"


def _made(
    spans: Sequence[StoredSpan], judged: Evaluations, redactor: Redactor | None, bounds: Bounds
) -> Made:
    redactor = redactor or Redactor(in_force())
    every = tree.nodes(redacted(spans, redactor))
    rows = tree.rows(every)[: bounds.spans]
    found = every[: bounds.spans]
    programs, numbers = shared.programs([node.span.resource for node, _ in found])
    module: Any = environment().get_template("_shared.html").make_module({"alone": True})
    opened = shared.opened(found)
    pieces: list[Markup] = []
    shown = shared.Shown()
    size, again, without = 0, bounds.again, 0
    for index, (place, row, made) in enumerate(
        zip(shared.places(found), rows, step.steps(found), strict=True)
    ):
        told: Sequence[Any] = ()
        if made.before and again > 0:
            told = module.bubbles(shared.repeated(made))
            again -= len(told)
        content = module.content(
            made,
            place,
            repeated=told,
            shown_at=shown.before(made),
            same=shown.same(made),
            asked=shared.asked(made),
            judged=_clean(judged.get(made.span.span_id, ()), redactor),
            program=numbers[index] if len(programs) > 1 else 0,
        )
        shown.add(made, place.anchor)
        size += len(content)
        if size > bounds.bytes:
            size -= len(content)
            content, without = Markup(), without + 1
        pieces.append(module.row(place, row, content, index in opened))
    notes = (
        *shared.rules(redactor),
        *shared.left_out(len(every), len(found), without, bounds.bytes),
    )
    title = _title(found)
    head = module.head(title, found[0][0].span.trace_id, about.about(every), notes)
    html = Markup().join((head, module.steps(Markup().join(pieces)), module.programs(programs)))
    return Made(title, html, len(found), notes)


def _title(found: tree.Nodes) -> str:
    node, known = found[0]
    return f"{known.label} {known.name or known.model}".strip() or node.span.name


def _clean(rows: Sequence[Any], redactor: Redactor) -> list[dict[str, Any]]:
    return [redactor.attributes(row) for row in rows]
