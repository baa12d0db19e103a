"""What a person does with a command or a program: runs it, or puts it into an open shell."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

LIMIT = 60.0
KEYS = {"API_KEY": "key of nobody's host"}
# Without the files of whoever runs the tests.
SHELLS = {"bash": ("--norc", "--noprofile"), "zsh": ("-f",)}
# Takes curl's place: what it is given, each with a NUL behind it, and what it reads.
STAND_IN = """\
curl() { printf '%s\\0' "$@" >"$TOLD/arguments"; cat >"$TOLD/body"; }
"""


def environment(home: Path) -> dict[str, str]:
    """What a program finds: the keys, and nothing of the machine's settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NO_PROXY": "*",
        "LANG": "C.UTF-8",
    } | KEYS


def run(text: str, home: Path, *by: str, **more: str) -> str:
    """Run a text from a file; what it prints. Raises where it fails, or complains."""
    file = home / "command"
    file.write_text(text)
    done = subprocess.run(
        [*by, str(file)],
        env=environment(home) | more,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_shell(command: str, home: Path, shell: str = "bash") -> str:
    """Run a command; curl says nothing but what it got."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    return run(command.replace("\ncurl ", "\ncurl --silent --show-error --fail ", 1), home, shell)


def by_python(program: str, home: Path) -> str:
    """Run a program."""
    return run(program, home, sys.executable)


def told(command: str, home: Path, shell: str) -> tuple[list[bytes], bytes]:
    """The arguments and the input that a shell gives to curl."""
    assert run(STAND_IN + command, home, shell, TOLD=str(home)) == ""
    arguments = (home / "arguments").read_bytes().split(b"\0")[:-1]
    return arguments, (home / "body").read_bytes()


def typed(text: str, home: Path, shell: str, done: Callable[[], bool]) -> None:
    """Type a text into an open shell, and wait until ``done`` is true."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [shell, *SHELLS[shell], "-i"],
        env=environment(home) | {"TERM": "xterm", "HISTFILE": ""},
        cwd=home,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = threading.Thread(target=_read, args=(ours,), daemon=True)
    seen.start()
    try:
        # Something for "!" to find.
        left = f"echo before\n{text}".encode()
        while left:
            left = left[os.write(ours, left[:1024]) :]
        assert done()
    finally:
        running.kill()
        running.wait(LIMIT)
        seen.join(LIMIT)
        os.close(ours)


def _read(terminal: int) -> None:
    # A shell that nobody listens to waits.
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return
