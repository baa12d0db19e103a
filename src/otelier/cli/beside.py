"""``otelier ui`` beside a program: the page is there while it runs, and until it was read."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from otelier.cli.stopping import stopped

# Seconds between two looks whether the page's server is still there, and for it to end.
_LOOK: Final = 1.0
_END: Final = 15.0


@contextlib.contextmanager
def page(store: Path | None, say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Show a store while the block runs; without one nothing is shown.

    What it gives waits until the reader is done; at once where nobody is at a terminal. ``say``
    tells a person one line.
    """
    if store is None:
        yield _at_once
        return
    command = [sys.executable, "-m", "otelier.cli", "ui", "--store", str(store)]
    # A session of its own: Ctrl-C is the program's. It ends with its input, so with this process.
    server = subprocess.Popen(
        [*command, "--until-input-ends"], stdin=subprocess.PIPE, stdout=2, start_new_session=True
    )

    def read() -> None:
        if not _person() or server.poll() is not None:
            return
        say("the page stays until Ctrl-C")
        with stopped() as stop:
            while server.poll() is None and not stop.wait(_LOOK):
                pass

    try:
        yield read
    finally:
        assert server.stdin is not None
        server.stdin.close()
        try:
            server.wait(_END)
        except subprocess.TimeoutExpired:
            server.kill()


def _at_once() -> None:
    pass


def _person() -> bool:
    """Whether somebody is at the terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
