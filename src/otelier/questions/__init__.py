"""Questions to a store of calls, as functions: ``otelier.questions.costs(by="user", since="24h")``.

Each is made of a row of ``table.QUESTIONS`` when it is first asked for; what type checkers and
editors know of them is written by ``stub.py`` into ``__init__.pyi``.
"""

from __future__ import annotations

from otelier.questions.table import BY_NAME, BY_ROW

__all__ = [*BY_NAME, *BY_ROW]


def __getattr__(name: str) -> object:
    made: object
    if name in BY_NAME:
        from otelier.questions.faces import function

        made = function(BY_NAME[name])
    elif name in BY_ROW:
        from otelier.questions.asking import row_type

        made = row_type(BY_ROW[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
