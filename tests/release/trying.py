"""The wheel in an empty environment, far from the repository."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from typing import Final

from tests.release.commands import Fault, run

ROOT: Final = Path(__file__).resolve().parents[2]
PINS: Final = ROOT / "requirements" / "test.txt"
SDKS: Final = ("openai>=3", "anthropic>=2")
IMPORTED: Final = """
import importlib.metadata, importlib.resources, otelier
assert importlib.resources.files(otelier).joinpath("py.typed").is_file()
assert importlib.metadata.version("otelier") == otelier.__version__
print(otelier.__file__)
"""


@dataclass(frozen=True)
class Place:
    """A folder with an environment, a home, and what the demo needs of the repository: examples."""

    folder: Path
    # Of the interpreter from which the environment is made.
    base: str

    @property
    def bin(self) -> Path:
        return self.folder / "environment" / "bin"

    def made(self) -> None:
        """The environment, empty; and a home that nobody used."""
        run([self.base, "-m", "venv", self.folder / "environment"])
        (self.folder / "home").mkdir()
        shutil.copytree(ROOT / "examples", self.folder / "examples")

    def install(self, *words: object) -> None:
        """By uv if it is on the path, else by pip."""
        uv = shutil.which("uv")
        python = self.bin / "python"
        by_uv = [uv, "pip", "install", "--quiet", "--python", python]
        by_pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*(by_uv if uv else by_pip), *words], cwd=self.folder)
        run([uv, "pip", "check", "--python", python] if uv else [python, "-m", "pip", "check"])

    def says(self, *words: object, **more: str) -> str:
        """What a program of the environment prints, with few variables, in a folder of its own."""
        env = {
            "PATH": os.pathsep.join((str(self.bin), os.environ["PATH"])),
            "HOME": str(self.folder / "home"),
            **more,
        }
        return run([self.bin / str(words[0]), *words[1:]], cwd=self.folder / "home", env=env)


def newest(place: Place, wheel: Path, version: str, pinned: bool) -> None:
    """As a user installs it: alone at first, then with pages and SDKs for the demo."""
    pins = ["-c", PINS] if pinned else []
    place.made()
    place.install(wheel, *pins)
    asked(place, version)
    place.install(f"{wheel}[ui]", *SDKS, *pins)
    demo(place)
    # Templates and scripts are where the installed program looks for them.
    place.says("otelier", "export", "--store", "otelier-demo.db", "--html", "last", "page.html")
    page = (place.folder / "home" / "page.html").read_text("utf-8")
    expect("<title>", page)
    expect("answer_question", page)


def oldest(place: Place, wheel: Path, version: str) -> list[str]:
    """With the oldest versions of what it needs that it claims to run with; which these are."""
    floors = [*lowest(wheel)]
    place.made()
    place.install(wheel, *floors)
    asked(place, version)
    place.install(*SDKS, *floors)
    demo(place)
    return floors


def lowest(wheel: Path) -> Iterator[str]:
    """What the wheel needs without extras, each in the oldest version that it takes."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(opened.read(name).decode()).get_all("Requires-Dist") or []
    for requirement in told:
        if "extra ==" in requirement:
            continue
        found = re.match(r"([\w.-]+)[^;]*>=([\w.]+)", requirement)
        if found is None:
            raise Fault(f"{requirement}: no oldest version is claimed")
        yield f"{found[1]}=={found[2]}"


def asked(place: Place, version: str) -> None:
    """The package is imported, its command tells the version and finds no problem."""
    where = place.says("python", "-c", IMPORTED)
    if not where.startswith(str(place.folder)):
        raise Fault(f"otelier is imported from {where}")
    expect(f"otelier {version}", place.says("otelier", "--version"))
    # Without a backend there is a problem, unless spans go to the store.
    doctor = place.says("otelier", "doctor", OTEL_TRACES_EXPORTER="otelier")
    expect(f"otelier {version}", doctor)
    expect("Where spans go", doctor)


def demo(place: Place) -> None:
    """The demo shows its tree, and its store answers."""
    tree = place.says("python", place.folder / "examples" / "demo.py")
    for said in ("workflow answer_question", "retrieval handbook", "6 model calls"):
        expect(said, tree)
    expect("claude-sonnet-5-5", place.says("otelier", "costs", "--store", "otelier-demo.db"))


def expect(said: str, text: str) -> None:
    """A :class:`Fault` if the text has not that."""
    if said not in text:
        raise Fault(f"{said!r} is not in:\n{text}")
