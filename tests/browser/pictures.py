"""The pictures of the README: ``python -m tests.browser.pictures FOLDER`` (``make pictures``)."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from otelier import questions
from tests.browser.chromium import launched
from tests.browser.looks import DESKTOP, PHONE, Look, Scheme, Size
from tests.browser.serving import serving
from tests.browser.stores import made_in

_PLACE: Final = "~/.local/share/otelier/traces.db"
_SESSION: Final = "session-bicycle"
# A picture: the store, the path, the window, light or dark, and what has to be there first.
_PICTURES: Final[tuple[tuple[str, str, str, Size, Scheme, str], ...]] = (
    ("trace", "pipeline", "/traces/{trace}/{call}", DESKTOP, "light", "#tree .row"),
    ("session", "conversation_of_200_turns", f"/sessions/{_SESSION}", DESKTOP, "dark", ".bubble"),
    ("costs", "many", "/costs?since=all", DESKTOP, "light", "canvas"),
    ("phone", "conversation_of_200_turns", f"/sessions/{_SESSION}", PHONE, "light", ".bubble"),
)


def main(folder: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, launched() as browser:
        for name, kind, path, size, scheme, first in _PICTURES:
            store = Path(made) / f"{kind}.db"
            if not store.exists():
                made_in(Path(made), kind)
            trace = questions.traces(store=store, limit=1)[0].trace_id
            # The call that sends what tools gave.
            calls = [call for call in questions.trace(trace, store=store) if call.cost]
            chosen = max(calls, key=lambda call: call.input_tokens or 0).span_id
            with serving(store) as url:
                page = browser.new_context(**Look(size, scheme).options()).new_page()
                page.goto(url + path.format(trace=trace, call=chosen))
                page.locator(first).first.wait_for()
                page.wait_for_load_state("networkidle")
                # Whose machine it was is no part of the picture.
                page.locator("footer .mono").evaluate("(at, text) => at.textContent = text", _PLACE)
                _kept(page.screenshot(animations="disabled"), folder / f"{name}.png")
                page.context.close()


def _kept(picture: bytes, path: Path) -> None:
    """Keep it with as many colours as a page has: a third of the bytes."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
