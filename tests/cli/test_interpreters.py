"""``otelier run`` starts what is meant, or says in one line what helps."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest

from otelier.cli import interpreters
from otelier.cli.interpreters import RefusedError, find
from tests.cli.running import SRC, last, otelier_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="first lines are of other systems")
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a virtual environment without otelier."""
    folder = tmp_path_factory.mktemp("environments") / "bare one"
    venv.create(folder, symlinks=True)
    return str(folder / "bin" / "python")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a ``python`` without otelier that is of no environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "python3"):
        (folder / name).symlink_to(Path(sys.executable).resolve())
    return folder


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def refused(*command: str) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        find(command, os.environ)
    return caught.value.code, str(caught.value)


def test_a_python_with_otelier_is_taken_as_it_is() -> None:
    program = find([sys.executable, "-u", "app.py"], {})
    assert program.command == [sys.executable, "-u", "app.py"] and not program.note


def test_a_python_without_otelier_is_refused_with_what_helps(bare: str) -> None:
    assert refused(bare, "app.py") == (
        2,
        f'{bare} has no otelier: install it there: "{bare}" -m pip install {interpreters.origin()}',
    )


def test_uv_has_its_own_way_to_install(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.1\n")
    python = tmp_path / "bin" / "python"
    said = interpreters.install(str(python))
    assert said.endswith(f"uv pip install --python {python} {interpreters.origin()}")


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        (None, "otelier"),
        ('{"url": "file:///home/a%20b/otelier", "dir_info": {}}', "'/home/a b/otelier'"),
        (
            '{"url": "https://git.example/otelier", "vcs_info": {"vcs": "git"}}',
            "git+https://git.example/otelier",
        ),
        ("no JSON", "otelier"),
    ],
)
def test_it_is_installed_from_where_it_came(
    recorded: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, name: str) -> str | None:
            return recorded

    monkeypatch.setattr(interpreters, "distribution", lambda name: Installed())
    assert interpreters.origin() == told


def test_an_older_python_is_told_so(tmp_path: Path) -> None:
    old = script(tmp_path / "python3.9", "#!/bin/sh\necho 0 3 9\n")
    assert refused(old, "app.py")[1] == f"{old} is Python 3.9, and otelier needs 3.11 or newer."


def test_a_python_that_cannot_be_asked_is_taken(tmp_path: Path) -> None:
    odd = script(tmp_path / "python", "#!/bin/sh\nexit 3\n")
    assert find([odd, "x"], {}).command == [odd, "x"]


@pytest.mark.parametrize("name", ["python", "python3"])
def test_without_an_activated_environment_otelier_takes_its_own(
    name: str, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    program = find([name, "app.py"], os.environ)
    assert program.command == [sys.executable, "app.py"]
    assert program.note == f"{sys.executable} is taken: {outside / name} has no otelier"


def test_an_environment_that_was_activated_is_meant(
    bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(bare).parent))
    code, line = refused("python", "app.py")
    assert code == 2 and line.startswith(f"{bare} has no otelier: install it there")


def test_an_otelier_of_its_own_environment_takes_no_program_there(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    monkeypatch.setattr(interpreters, "_is_a_tools", lambda: True)
    assert "has no otelier: install it there" in refused("python", "app.py")[1]


def test_what_is_not_on_the_path_may_be_beside_otelier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find(["python3", "x"], {}).command == [sys.executable, "x"]
    assert find(["pytest", "x"], {}).command == [str(BIN / "pytest"), "x"]


FIRST_LINES = {
    "a path": "#!{python}\n",
    "with a space after": "#! {python} -u\n",
    "of pip, for long paths": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    "of uv, for long paths": "#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\n",
}


@pytest.mark.parametrize("kind", ["of pip, for long paths", "of uv, for long paths"])
def test_a_console_script_has_a_python_with_a_space(kind: str, bare: str, tmp_path: Path) -> None:
    path = script(tmp_path / "serve", FIRST_LINES[kind].format(python=bare))
    assert refused(path) == (
        2,
        f'{path}: {bare} has no otelier: install it there: "{bare}" -m pip install '
        f"{interpreters.origin()}",
    )


@pytest.mark.parametrize("kind", FIRST_LINES)
def test_a_console_scripts_first_line_tells_its_python(kind: str, tmp_path: Path) -> None:
    path = script(tmp_path / "serve", FIRST_LINES[kind].format(python=sys.executable))
    assert interpreters.runner_of(path, Path(path).read_bytes()) == interpreters.Runner(
        sys.executable
    )
    assert find([path, "-x"], {}).command == [path, "-x"]


@pytest.mark.parametrize("line", ["#!/usr/bin/env python3\n", "#!/usr/bin/env -S A=b python3 -u\n"])
def test_env_leaves_it_to_the_path(
    line: str, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    path = script(tmp_path / "serve", line)
    assert find([path, "-x"], {}).command == [sys.executable, path, "-x"]


@pytest.mark.parametrize("name", sorted(interpreters.WRAPPERS & {"poetry", "uv", "tox", "hatch"}))
def test_wrappers_need_no_otelier_themselves(name: str, bare: str, tmp_path: Path) -> None:
    path = script(tmp_path / name, f"#!/bin/sh\n'''exec' '{bare}' \"$0\" \"$@\"\n' '''\n")
    assert find([path, "run", "x"], {}).command == [path, "run", "x"]


def test_other_programs_are_taken_as_they_are(tmp_path: Path) -> None:
    assert find(["sh", "-c", "true"], {}).command[1:] == ["-c", "true"]
    path = script(tmp_path / "start.sh", "#!/bin/sh\npython app.py\n")
    assert find([path], {}).command == [path]


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_a_script_alone_is_enough(mode: int, tmp_path: Path) -> None:
    path = script(tmp_path / "app.py", "print(1)\n", mode)
    assert find([path, "x"], {}).command == [sys.executable, path, "x"]


@pytest.mark.parametrize(
    ("name", "mode", "said"),
    [
        ("app", 0o755, "does not say what runs it, it has no first line with #!; try: otelier run"),
        ("app", 0o644, "is not executable; try: otelier run python"),
        (".", 0o755, "is a folder; try: otelier run python"),
    ],
)
def test_a_file_that_cannot_be_started(name: str, mode: int, said: str, tmp_path: Path) -> None:
    script(tmp_path / "app", "print(1)\n", mode)
    code, line = refused(str(tmp_path / name))
    assert code == 126 and said in line


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("pyhton", "did you mean python?"),
        ("pytset", "did you mean pytest?"),
        ("no-such-program", "command not found: no-such-program"),
        ("source", "a word of the shell"),
        ("A=b", "variables come before: A=... otelier run"),
        ("app.py", "there is no such file"),
    ],
)
def test_what_is_not_found(word: str, said: str) -> None:
    code, line = refused(word, "x")
    assert code == 127 and said in line


@pytest.mark.parametrize("option", ["-I", "-E", "-S", "-uE"])
def test_a_python_that_loads_nothing_is_refused(option: str) -> None:
    code, line = refused(sys.executable, option, "app.py")
    assert code == 2 and "loads nothing of otelier" in line and "otelier.instrument()" in line


@pytest.mark.parametrize(
    "words", [["app.py", "-I"], ["-c", "x", "-I"], ["-m", "E"], ["-mE"], ["-XE"], ["-u", "-WE"]]
)
def test_others_options_are_others(words: list[str]) -> None:
    assert find([sys.executable, *words], {}).command == [sys.executable, *words]


# --- the same, as it is used


def test_a_refusal_is_one_line_and_starts_nothing(bare: str, tmp_path: Path) -> None:
    done = otelier_run(bare, "-c", "print('started')", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"otelier run: {bare} has no otelier: install it there: ")


def test_a_program_of_an_environment_without_otelier_is_told_at_the_end(
    bare: str, tmp_path: Path
) -> None:
    words = ("env", "A=b", "nice", bare, "-c", "print('here')")
    done = otelier_run(*words, cwd=tmp_path, PYTHONPATH=SRC)
    assert (done.returncode, done.stdout) == (0, "here\n")
    (line,) = done.stderr.splitlines()
    assert f"nothing was seen: {bare} has no otelier; install it there: " in line


def test_a_child_of_another_environment_is_not_disturbed(bare: str, tmp_path: Path) -> None:
    program = f"import subprocess; subprocess.run([{bare!r}, '-c', 'print(1)'], check=True)"
    done = otelier_run(sys.executable, "-c", program, cwd=tmp_path)
    assert done.stdout == "1\n"
    assert "sitecustomize" not in done.stderr
    assert "no SDK that otelier knows was imported" in last(done)


def test_the_environments_own_sitecustomize_runs_as_ever(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('its own')")
    program = (
        "import sys; print(sys.modules['sitecustomize'].__file__)\n"
        "print(any('boot' in place for place in sys.path))"
    )
    done = otelier_run(
        sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{SRC}"
    )
    # The first is that of the command itself.
    assert done.stdout.splitlines() == [
        "its own",
        "its own",
        str(tmp_path / "sitecustomize.py"),
        "False",
    ]


def test_a_sitecustomize_that_fails_fails_as_ever(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("1/0")
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{SRC}"}
    done = otelier_run(sys.executable, "-c", "print('here')", cwd=tmp_path, **variables)
    assert done.stdout == "here\n"
    assert "ZeroDivisionError" in done.stderr and "nothing was seen: no SDK" in last(done)
