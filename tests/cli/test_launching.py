"""A program under ``otelier run`` has its signals, files and exit status as ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import few, otelier_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no signals there")
RUN = [sys.executable, "-m", "otelier.cli", "run", "--no-tree"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT"])
def test_a_signal_reaches_the_program(name: str, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        f"signal.signal(signal.{name}, lambda *_: (os.write(1, b'got it'), sys.exit(7)))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    running = subprocess.Popen(
        [*RUN, sys.executable, "-c", program],
        env=few(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As under a supervisor: no terminal sends it to the program as well.
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(getattr(signal, name))
    said, line = running.communicate()
    assert (said, running.returncode) == ("got it", 7)
    assert "nothing was seen" in line


def test_a_signal_that_a_shell_ignores_for_us_still_reaches_the_program(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
        "signal.signal(signal.SIGINT, lambda *_: (os.write(1, b'got it'), sys.exit(7)))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    running = subprocess.Popen(
        # As a shell without job control does for what it starts in the background.
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *RUN, sys.executable, "-c", program],
        env=few(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert [running.stdout.readline() for _ in range(2)] == ["True\n", "ready\n"]
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate()
    assert (said, running.returncode) == ("got it", 7)


def test_a_terminals_interrupt_comes_once(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    program = (
        "import os, signal\n"
        "seen = []\n"
        "signal.signal(signal.SIGINT, lambda *_: (seen.append(1), os.write(1, b'got it')))\n"
        "print('ready', flush=True)\n"
        "input()\n"
        "print('in all', len(seen), flush=True)\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [*RUN, sys.executable, "-c", program], few())
    shown = b""

    def until(word: bytes) -> None:
        nonlocal shown
        while word not in shown:
            shown += os.read(terminal, 1000)

    until(b"ready")
    os.write(terminal, b"\x03")
    until(b"got it")
    os.write(terminal, b"\n")
    until(b"in all 1")
    until(b"nothing was seen")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.close(terminal)


def test_input_and_output_pass_as_they_are(tmp_path: Path) -> None:
    program = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"
    done = subprocess.run(
        [*RUN, sys.executable, "-c", program],
        env=few(),
        cwd=tmp_path,
        input=b"\xff\x00\r\nabc",
        capture_output=True,
    )
    assert done.stdout == b"cba\n\r\x00\xff"


def test_files_that_are_open_stay_open(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    program = f"import os; os.write({writing}, b'here')"
    done = subprocess.run(
        [*RUN, sys.executable, "-c", program], env=few(), cwd=tmp_path, pass_fds=[writing]
    )
    assert done.returncode == 0
    assert os.read(reading, 10) == b"here"
    os.close(reading)
    os.close(writing)


def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    program = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    done = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *RUN, sys.executable, "-c", program],
        env=few(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True\n", done.stderr


def test_a_pipe_that_is_closed_ends_the_program_as_ever(tmp_path: Path) -> None:
    program = "import signal; print(signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN)"
    # Python ignores it, others do not.
    done = otelier_run("sh", "-c", "kill -PIPE $$", cwd=tmp_path)
    assert done.returncode == -signal.SIGPIPE
    assert otelier_run(sys.executable, "-c", program, cwd=tmp_path).stdout == "True\n"


def test_nothing_is_left_of_the_reports(tmp_path: Path) -> None:
    done = otelier_run(sys.executable, "-c", "print(1)", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
