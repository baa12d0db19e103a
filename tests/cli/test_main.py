from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from otelier.cli.main import COMMANDS, main


@pytest.mark.parametrize("argv", [[], ["-h"], ["--help"]])
def test_the_commands_are_listed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {command.name} " in shown for command in COMMANDS)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("otelier ")


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["veiw"]) == 2
    assert "no command 'veiw'; did you mean view?" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["python3", "app.py"])
def test_a_program_in_place_of_a_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "x"]) == 2
    assert f"did you mean: otelier run {word} ...?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["view", "--mesages", "x"], "--messages"),
        (["run", "--flie=x", "python"], "--file"),
        (["run", "--mesages", "python"], "--messages"),
        (["send", "--haeder", "a=b", "x", "y"], "--header"),
    ],
)
def test_an_unknown_option(argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_explains_itself(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    name, module = command.name, command.module  # type: ignore[attr-defined]
    if find_spec(module) is None:
        pytest.skip(f"{module} is not written yet")
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    assert f"usage: otelier {name}" in capsys.readouterr().out


def test_a_command_imports_only_what_it_needs() -> None:
    program = """
import sys
from otelier.cli.main import main
main(["--help"])
print([name for name in sys.modules if name.startswith(("otelier.viewer", "otelier.store",
       "otelier.cli.")) and name != "otelier.cli.main"], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"
