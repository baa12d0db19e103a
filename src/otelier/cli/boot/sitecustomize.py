# ruff: noqa: PTH100, PTH112, PTH118, PTH120, PTH123, UP031, UP036
"""Loaded by every Python under ``otelier run``: of any version, from any environment.

Therefore this file is what all of them can read. The environment's own ``sitecustomize`` runs as it
would without this one, ``sys.path`` is what it would be, and nothing that fails here is heard of.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [_place for _place in sys.path if os.path.abspath(_place) != _here]

try:
    if sys.version_info >= (3, 5):
        from importlib.machinery import PathFinder as _PathFinder
        from importlib.util import module_from_spec as _module_from_spec

        _spec = _PathFinder.find_spec("sitecustomize", sys.path)
        if _spec is not None and _spec.loader is not None:
            _module = _module_from_spec(_spec)
            sys.modules["sitecustomize"] = _module
            _spec.loader.exec_module(_module)
finally:
    _reports = os.environ.get("_OTELIER_RUN_REPORTS", "")
    _problem = ""
    try:
        from otelier.cli.booted import start as _start
    except Exception as _error:
        # Not installed there, or not for this version of Python: whose environment it is, is told
        # when the program has ended.
        _problem = "%s: %s" % (type(_error).__name__, _error)
    else:
        _start(_reports)
    if _problem and os.path.isdir(_reports):
        try:
            # Since Python 3.10; before that nobody knows yet what is started.
            _words = getattr(sys, "orig_argv", [])[1:2] or [""]
            with open(os.path.join(_reports, "%d.without" % os.getpid()), "w") as _file:
                _file.write("%s\n%s\n%s\n" % (sys.executable, _words[0], _problem))
        except Exception:
            pass
