"""A page's blocks, run in their order as a reader would: a folder, an environment, a provider.

Files are written, commands run by ``bash``. The provider is a local server that answers what
``manual/answers/<name>.py`` says, if the page's front matter names one. Ports of this machine are
others than the page says, so that pages run beside each other. ``pip install`` is not run again:
what it names has to be installed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from manual import places
from manual.blocks import PYTHON, ROOT, Block, Page
from tests.servers import ProviderServer

_PORT: Final = re.compile(r"(?:(?<=localhost:)|(?<=127\.0\.0\.1:)|(?<=--port ))(\d{4,5})\b")
_OTLP: Final = "4318"
# The first import of a framework, with two pages at once.
_SECONDS: Final = 300
# Keys that SDKs ask for before they send anything.
_KEYS: Final = (
    *("OPENAI", "ANTHROPIC", "GROQ", "TOGETHER", "CEREBRAS", "FIREWORKS", "WRITER", "GEMINI"),
    *("MISTRAL", "CO", "XAI", "OPENROUTER", "DEEPSEEK"),
)
_KEPT: Final = ("LANG", "LC_ALL", "SSL_CERT_FILE")


class PageError(AssertionError):
    """A block did not do what the page says."""


class Stage:
    """Where one page is run."""

    def __init__(self, page: Page, folder: Path, python: Path) -> None:
        self.page = page
        self.folder = folder
        self.python = python
        self.output = ""
        self._ports: dict[str, str] = {}
        self._started: list[subprocess.Popen[bytes]] = []
        self._above = ""
        tools = folder / ".tools"
        tools.mkdir()
        for name in ("pip", "otelier"):
            (tools / name).write_text((Path(__file__).parent / "tools" / name).read_text())
            (tools / name).chmod(0o755)
        self.environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            **{f"{name}_API_KEY": "made-up" for name in _KEYS},
            **places.variables(page.meta.get("place", "main")),
            "HOME": str(folder / ".home"),
            "PATH": os.pathsep.join([str(tools), str(python.parent), "/usr/bin", "/bin"]),
            "PYTHONPATH": str(folder / ".before"),
            "MANUAL_PYTHON": str(python),
            "TERM": "dumb",
        }

    def run(self, blocks: Sequence[Block]) -> None:
        """These blocks of the page."""
        for block in blocks:
            if not block.how.startswith("no:"):
                self._run(block)

    def _run(self, block: Block) -> None:
        text = self._text(block)
        if block.title:
            (self.folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / block.title).write_text(text)
            return
        if block.language in PYTHON:
            self._above = self._above + text if block.how == "continues" else text
            (self.folder / f"block_{block.line}.py").write_text(self._above)
            text = f"python block_{block.line}.py"
        if block.how == "background":
            self._background(block, text)
            return
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
        )
        said = done.stdout.decode("utf-8", "replace")
        self.output += said
        if bool(done.returncode) != (block.how == "fails"):
            raise PageError(f"{self._where(block)}: exit code {done.returncode}\n{text}\n{said}")

    def _where(self, block: Block) -> str:
        return f"{self.page.path.relative_to(ROOT)}:{block.line}"

    def _text(self, block: Block) -> str:
        """The block's text, with ports that are free."""
        return _PORT.sub(lambda match: self.port(match[1]), block.text)

    def port(self, said: str) -> str:
        """What a port of the page is here."""
        if said not in self._ports:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._ports[said] = str(free.getsockname()[1])
        return self._ports[said]

    def _background(self, block: Block, text: str) -> None:
        """Start what serves, and wait until its port answers."""
        said = _PORT.search(block.text)
        port = int(self.port(said[1] if said else _OTLP))
        self._start(["bash", "-euo", "pipefail", "-c", text], port, self._where(block))

    def _start(self, command: list[str], port: int, where: str) -> None:
        log = (self.folder / ".background.log").open("ab")
        started = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, "MANUAL_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._started.append(started)
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end and started.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise PageError(
            f"{where}: nothing answers\n{(self.folder / '.background.log').read_text()}"
        )

    def receive(self) -> None:
        """Start a receiver where the page sends spans, if it starts none itself."""
        sends = any(_OTLP in each.text for each in self.page.runs)
        if sends and not any(each.how == "background" for each in self.page.runs):
            port = int(self.port(_OTLP))
            self._start(["otelier", "receive", "--store", "received.db"], port, self.page.name)

    def ask(self, *words: str, **environment: str) -> str:
        """What ``otelier`` says of the page's store."""
        done = subprocess.run(
            [str(self.python), "-m", "otelier.cli", *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            timeout=_SECONDS,
        )
        if done.returncode:
            raise PageError(f"otelier {' '.join(words)}: {done.stderr.decode()}\n{self.output}")
        return done.stdout.decode()

    def stop(self) -> None:
        """End what was started."""
        for each in self._started:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGTERM)
                try:
                    each.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(each.pid, signal.SIGKILL)


def answers(page: Page) -> ModuleType | None:
    """The module that says what the provider of a page answers.

    It has ``answers(server)``, which scripts the server and gives back environment variables; and
    may have ``BEFORE``, code that is run first in each Python of the page (where an SDK takes its
    address from no variable), and ``TREE``, what the page's last trace is.
    """
    name = page.meta.get("answers")
    return import_module(f"manual.answers.{name}") if name else None


@contextmanager
def staged(page: Page, folder: Path) -> Iterator[Stage]:
    """A page's stage with its provider; everything ends with it."""
    python = places.python(page.meta.get("place", "main"))
    (folder / ".home").mkdir()
    (folder / ".before").mkdir()
    with ExitStack() as stack:
        stage = Stage(page, folder, python)
        stack.callback(stage.stop)
        told: Any = answers(page)
        if told is not None:
            server = stack.enter_context(ProviderServer())
            stage.environment |= told.answers(server)
            before = getattr(told, "BEFORE", "")
            (folder / ".before" / "sitecustomize.py").write_text(before)
        stage.receive()
        yield stage


def clean(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
