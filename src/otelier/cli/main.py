"""The command line: a table of commands, each in a module that is imported when it is used."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from shutil import which
from typing import Any, Final, NoReturn

from otelier import spelling


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and the module with its ``add_arguments(parser)`` and ``run(arguments)``."""

    name: str
    module: str
    help: str


COMMANDS: Final = (
    Command("run", "otelier.cli.run", "run a program and show what it asks of models"),
    Command("trace", "otelier.cli.trace", "show the last trace of the store, or another one"),
    Command("view", "otelier.cli.view", "show the traces in a file, or in the store"),
    Command("send", "otelier.cli.send", "send the traces in a file to a backend"),
    Command("sql", "otelier.cli.sql", "ask the store in SQL; without a query: what can be asked"),
    Command("ui", "otelier.cli.ui", "show the store in a browser, live"),
    Command("receive", "otelier.cli.receive", "take OTLP over HTTP into the local store"),
    Command("mcp", "otelier.cli.mcp", "answer coding agents' questions about the store"),
    Command("export", "otelier.cli.exporting", "write the store's spans to a file"),
    Command("import", "otelier.cli.importing", "read spans from files into the store"),
    Command("forward", "otelier.cli.forward", "send the store's spans to a backend as it grows"),
    Command("prune", "otelier.cli.prune", "forget the oldest spans of the local store"),
    Command("doctor", "otelier.cli.doctor", "say what is instrumented here, and what is not"),
)


class Parser(argparse.ArgumentParser):
    """Asks what was meant by an option that it does not know."""

    def error(self, message: str) -> NoReturn:
        """End with code 2 and the message."""
        told, colon, words = message.partition("unrecognized arguments: ")
        if colon and not told:
            known = [text for action in self._actions for text in action.option_strings]
            asked = (
                spelling.question(word.partition("=")[0], known)
                for word in words.split()
                if word.startswith("-")
            )
            message += next((each for each in asked if each), "")
        from otelier.viewer.text import clean

        super().error(clean(message))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names (by default the process's); returns the exit code."""
    first, *rest = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    command = next((command for command in COMMANDS if command.name == first), None)
    parser = Parser(f"otelier {first}", description=command.help if command else None)
    module: Any = import_module(command.module) if command else _verb(first)
    if module is None:
        return _other(first)
    module.add_arguments(parser)
    try:
        return int(module.run(parser.parse_args(rest)))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read the output has seen enough; Python would complain when it flushes at the end.
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print(f"otelier {first}: {error.strerror}", file=sys.stderr)
        return 1


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _questions() -> Mapping[str, str]:
    """What may be asked of the store, beside the commands, and in a few words what it is."""
    from otelier.questions.table import QUESTIONS

    own = {command.name for command in COMMANDS}
    return {each.name: each.summary for each in QUESTIONS if each.name not in own}


def _verb(name: str) -> Any:
    """A question as a command; None if it is none."""
    if name.startswith("-") or name not in _questions():
        return None
    from otelier.cli import asking

    return asking.verb(name)


def _other(word: str) -> int:
    if word in ("-h", "--help"):
        print(_usage())
        return 0
    if word in ("-V", "--version"):
        from otelier.version import __version__

        print(f"otelier {__version__}")
        return 0
    print(f"otelier: there is no command {word!r}{_meant(word)}\n\n{_usage()}", file=sys.stderr)
    return 2


def _meant(word: str) -> str:
    asked = spelling.question(word, [*(command.name for command in COMMANDS), *_questions()])
    if not asked and (word.endswith(".py") or which(word) is not None):
        return f"; did you mean: otelier run {word} ...?"
    return asked


def _usage() -> str:
    lines = [f"  {command.name:14}{command.help}" for command in COMMANDS]
    asked = [
        f"  {name:14}{words[0].lower()}{words[1:].rstrip('.').replace('``', '')}"
        for name, words in _questions().items()
    ]
    return "\n".join(
        [
            "usage: otelier COMMAND ...",
            "",
            *lines,
            "",
            "Questions to the store (also in Python: otelier.questions):",
            *asked,
            "",
            "otelier COMMAND --help says more.",
        ]
    )
