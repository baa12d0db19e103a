"""Expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import otelier
from otelier import expressions
from otelier.expressions import later

ROOT = Path(otelier.__file__).parent


def test_is_what_a_compiled_one_is() -> None:
    both: tuple[tuple[Any, Any], ...]
    both = ((r"(?P<a>\d)(b)?", "x1by2"), (rb"(?P<a>\d)(b)?", b"x1by2"))
    for pattern, text in both:
        ours, compiled = later(pattern), re.compile(pattern)
        assert ours.pattern == compiled.pattern
        assert ours.findall(text) == compiled.findall(text)
        assert [m.span("a") for m in ours.finditer(text)] == [(1, 2), (4, 5)]
        assert ours.search(text, 2).start() == 4
        assert ours.match(text) is None
        assert ours.fullmatch(text, 1, 3) is not None
        assert ours.split(text) == compiled.split(text)
        assert ours.sub(text[:1], text) == compiled.sub(text[:1], text)
        assert ours.subn(text[:1], text) == compiled.subn(text[:1], text)
    assert later("A", re.IGNORECASE).match("a")


def test_is_compiled_once_and_not_before_it_is_used() -> None:
    known = len(re._cache)
    ours = later(f"{known}a+")
    assert len(re._cache) == known
    assert ours.search(f"b{known}a") is not None
    assert ours.match is ours.match


def test_all_of_otelier_can_be_compiled() -> None:
    number = 0
    for file in (*ROOT.glob("*.py"), *ROOT.glob("redaction/*.py"), *ROOT.glob("protocols/**/*.py")):
        if "expressions import" in file.read_text():
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            module = import_module(f"otelier.{name}".removesuffix(".__init__"))
            for one in vars(module).values():
                if type(one) is expressions._Later:
                    re.compile(one._pattern, one._flags)
                    number += 1
    assert number > 70
