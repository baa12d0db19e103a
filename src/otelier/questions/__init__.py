"""Questions to a store of calls, as functions: ``otelier.questions.costs(by="user", since="24h")``.

Each is made of a row of ``table.QUESTIONS``; what type checkers and editors know of them is written
by ``stub.py`` into ``__init__.pyi``.
"""

from __future__ import annotations

from otelier.questions.asking import row_type
from otelier.questions.faces import function
from otelier.questions.table import QUESTIONS

for _question in QUESTIONS:
    globals()[_question.name] = function(_question)
    globals()[_question.row] = row_type(_question)

__all__ = [name for each in QUESTIONS for name in (each.name, each.row)]
del _question
