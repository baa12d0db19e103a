"""Which program ``otelier run`` starts: by its Python, which has to have otelier.

The first word of a command is looked up as a shell does. Where that finds nothing, or a Python that
cannot know otelier, what stands beside otelier's own Python is meant: ``.venv/bin/otelier run
python app.py`` without an activated environment is the usual case.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from shutil import which
from typing import Final
from urllib.parse import unquote

from otelier import spelling

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
USAGE: Final = 2

_PYTHON: Final = re.compile(r"(python|pypy)(w?|\d+(\.\d+)?t?)(\.exe)?", re.IGNORECASE)
# pip and uv write this where a path is too long, or has a space in it.
_POLYGLOT: Final = re.compile(rb"\A#!/bin/sh\n'''exec' [\"']?(.+?)[\"']? \"\$0\"")
# They start other programs with the environment that they are given: their own Python does not
# matter.
WRAPPERS: Final = frozenset(
    {"circusd", "conda", "fab", "hatch", "honcho", "invoke", "mamba", "nox", "pdm", "pipenv"}
    | {"pipx", "pixi", "poetry", "pre-commit", "rye", "supervisord", "tox", "uv", "uvx"}
)
# Words of shells, which no program has for its name.
_OF_SHELLS: Final = ("cd", "exec", "export", "source", "time", ".")
_HEAD: Final = 4096
_NEWEST: Final = (3, 11)
_SECONDS: Final = 30
_PROBE: Final = """
import sys
sys.path[:] = [place for place in sys.path if place]
try:
    from importlib.util import find_spec
    found = all(find_spec(name) is not None for name in ("otelier", "opentelemetry", "wrapt"))
except Exception:
    found = False
sys.stdout.write("\\n%d %d %d" % ((found,) + sys.version_info[:2]))
"""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: the command with the path of its program, and what to say before."""

    command: list[str]
    note: str = ""


class RefusedError(Exception):
    """Nothing is started: one line that helps, and the exit code."""

    def __init__(self, line: str, code: int = USAGE) -> None:
        super().__init__(line)
        self.code = code


@dataclass(frozen=True, slots=True)
class Runner:
    """The Python of a program; ``named``: whichever the environment has by that name."""

    python: str
    named: bool = False


def find(command: Sequence[str], environ: Mapping[str, str]) -> Program:
    """The program that ``command`` means. Raises RefusedError."""
    first, *rest = command
    path = which(first)
    if path is None:
        return _not_found(first, rest)
    head = _head(path)
    if _says_nothing(path, head):
        if Path(path).suffix == ".py":
            return Program([sys.executable, path, *rest])
        raise RefusedError(
            f"{first} does not say what runs it, it has no first line with #!; "
            f"try: otelier run python {first}",
            NOT_EXECUTABLE,
        )
    runner = runner_of(path, head)
    if runner is None or Path(path).name.lower().removesuffix(".exe") in WRAPPERS:
        return Program([path, *rest])
    if _is_python(path):
        _refuse_isolated(first, rest)
    lack = _lack(runner.python, environ)
    if not lack:
        return Program([path, *rest])
    own = beside("python" if runner.named else first)
    if own is not None and not _is_chosen(runner.python):
        words = [own, path, *rest] if runner.named else [own, *rest]
        return Program(words, f"{own} is taken: {runner.python} has no otelier")
    raise RefusedError(lack if runner.python == path else f"{first}: {lack}")


def _not_found(first: str, rest: Sequence[str]) -> Program:
    own = beside(first)
    if own is not None:
        return Program([own, *rest])
    path = Path(first)
    if path.is_dir():
        raise RefusedError(f"{first} is a folder; try: otelier run python {first}", NOT_EXECUTABLE)
    if path.is_file():
        if path.suffix == ".py":
            return Program([sys.executable, first, *rest])
        raise RefusedError(
            f"{first} is not executable; try: otelier run python {first}", NOT_EXECUTABLE
        )
    if first in _OF_SHELLS:
        asked = f", it is a word of the shell; try: {first} otelier run ..."
    elif "=" in first:
        asked = f"; variables come before: {first.partition('=')[0]}=... otelier run ..."
    elif path.suffix == ".py":
        asked = ", there is no such file"
    else:
        asked = spelling.question(first, ["python", "python3", *_beside()])
    raise RefusedError(f"command not found: {first}{asked}", NOT_FOUND)


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _says_nothing(path: str, head: bytes) -> bool:
    """Whether it is a script without a first line: a shell would try it as one of its own."""
    return os.name != "nt" and b"\0" not in head and head[:2] not in (b"#!", b"")


def runner_of(path: str, head: bytes) -> Runner | None:
    """The Python that runs the program at ``path``: itself, or what its first line names.

    None where it is not Python, as far as can be seen.
    """
    if _is_python(path):
        return Runner(path)
    if not head.startswith(b"#!"):
        return None
    long = _POLYGLOT.match(head)
    if long:
        words = [os.fsdecode(long[1])]
    else:
        words = os.fsdecode(head[2:].partition(b"\n")[0]).split()
    by_name = bool(words) and Path(words[0]).name == "env"
    if by_name:
        named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        words = [which(named[0]) or named[0]] if named else []
    return Runner(words[0], by_name) if words and _is_python(words[0]) else None


def _is_python(path: str) -> bool:
    return _PYTHON.fullmatch(Path(path).name) is not None


def _refuse_isolated(first: str, options: Sequence[str]) -> None:
    """Some options keep Python from loading anything that it is not told in the program."""
    for word in options:
        if not word.startswith("-") or word.startswith("--") or word in ("-", "-c", "-m"):
            return
        letters = word[1:].partition("X")[0].partition("W")[0].partition("c")[0].partition("m")[0]
        for letter in letters:
            if letter in "IES":
                raise RefusedError(
                    f"{first} -{letter} loads nothing of otelier: leave -{letter} out, or call "
                    "otelier.instrument() in the program."
                )


def _lack(python: str, environ: Mapping[str, str]) -> str:
    """Why a Python cannot do it, with what helps; empty where it can, or cannot be asked."""
    if _is_own(python):
        return ""
    try:
        done = subprocess.run(
            [python, "-c", _PROBE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
        found, *version = map(int, done.stdout.split()[-3:])
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    if found:
        return ""
    if tuple(version) < _NEWEST:
        dotted, needed = ".".join(map(str, version)), ".".join(map(str, _NEWEST))
        return f"{python} is Python {dotted}, and otelier needs {needed} or newer."
    return f"{python} has no otelier: {install(python)}"


def install(python: str) -> str:
    """What helps a Python that has no otelier."""
    shown = f'"{python}"' if " " in python else python
    try:
        made_by_uv = "\nuv = " in _prefix(python).joinpath("pyvenv.cfg").read_text()
    except (OSError, ValueError):
        made_by_uv = False
    if made_by_uv:  # It has no pip.
        return f"install it there: uv pip install --python {shown} {origin()}"
    return f"install it there: {shown} -m pip install {origin()}"


def origin() -> str:
    """What to install: from where this otelier was installed, if that was no index.

    Told by https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    try:
        told = json.loads(distribution("otelier").read_text("direct_url.json") or "{}")
        url = told["url"]
        if url.startswith("file://"):
            url = unquote(url.removeprefix("file://"))
        elif "vcs_info" in told:
            url = f"{told['vcs_info']['vcs']}+{url}"
        return shlex.quote(url)
    except (LookupError, ValueError, TypeError, AttributeError, PackageNotFoundError):
        return "otelier"


def _prefix(python: str) -> Path:
    return Path(python).absolute().parent.parent


def _is_own(python: str) -> bool:
    """Whether it is otelier's own environment; links are not followed, they lead out of it."""
    given, own = Path(python).absolute(), Path(sys.executable).absolute()
    return given.parent == own.parent and given.resolve() == own.resolve()


def _is_chosen(python: str) -> bool:
    """Whether the user chose that Python's environment, so that another one is not meant."""
    prefix = _prefix(python)
    is_conda = prefix.joinpath("conda-meta").is_dir() and not prefix.joinpath("condabin").is_dir()
    return is_conda or prefix.joinpath("pyvenv.cfg").is_file()


def beside(name: str) -> str | None:
    """A program's path in otelier's own environment, if it is the user's and ``name`` is bare."""
    if Path(name).name != name or _is_a_tools():
        return None
    if name in ("python", "python3"):
        return sys.executable
    return which(name, path=str(Path(sys.executable).parent))


def _beside() -> list[str]:
    try:
        return [path.name for path in Path(sys.executable).parent.iterdir()]
    except OSError:
        return []


def _is_a_tools() -> bool:
    """Whether otelier has an environment to itself, of pipx or ``uv tool``: no program's."""
    prefix = Path(sys.prefix)
    return any(
        prefix.joinpath(name).is_file() for name in ("pipx_metadata.json", "uv-receipt.toml")
    )
