"""DSPy: agents (``ReAct`` and its kind), programs, tools, searches and models.

DSPy's callbacks can record, but make nothing current; so what is called is wrapped: ``__call__``
and ``acall`` of ``Module``, ``Tool`` and the retrievers. ``reading`` looks at DSPy's objects,
``steps`` are begun by :mod:`.running`.
"""
