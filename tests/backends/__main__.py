"""``make test-backends``: the tests of this folder, where the programs can be had."""

from __future__ import annotations

import sys

import pytest

from tests.backends.programs import go

if go() is None:
    print("test-backends: skipped, there is no Go on this machine")
    sys.exit(0)
sys.exit(pytest.main(["tests/backends", "-rs", "--timeout=300", *sys.argv[1:]]))
