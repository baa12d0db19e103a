"""What somebody meant who wrote a name that nobody knows. Names are shown, values never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_OURS: Final = "OTELIER_"
# Below that, names are others' rather than misspelt ones.
_ALIKE: Final = 0.88
_ALIKE_SHORT: Final = 0.6
_MOST: Final = 20

# Names that OpenTelemetry and its instrumentations read beside those of their packages' lists.
_OTHERS: Final = ("_EXCLUDED_URLS", "_CREDENTIAL_PROVIDER")


def nearest(word: str, known: Iterable[str], alike: float = _ALIKE_SHORT) -> str | None:
    """The one of ``known`` that ``word`` is most likely a slip of; None where none is near."""
    from difflib import get_close_matches  # Only where something is wrong.

    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower()[:200], by_lower, 1, alike)
    return by_lower[found[0]] if found else None


def question(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?``, or nothing."""
    meant = nearest(word, known)
    return f"; did you mean {meant}?" if meant is not None else ""


def unknown_settings(environ: Mapping[str, str], by_field: Mapping[str, str]) -> list[str]:
    """A line for each ``OTELIER_*`` variable that no setting has.

    ``by_field``: the settings' variables by the names that code has for them.
    """
    known = by_field.values()
    return [
        f"{_shown(name)} is not a setting{_question(name, by_field)}"
        for name in environ
        if name.startswith(_OURS) and name not in known
    ][:_MOST]


def _question(name: str, by_field: Mapping[str, str]) -> str:
    own = {env.removeprefix(_OURS).lower(): env for env in by_field.values()}
    own |= by_field
    meant = nearest(name.removeprefix(_OURS), own)
    return f"; did you mean {own[meant]}?" if meant is not None else ", and does nothing."


def misspelt(environ: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """A line for each variable whose name is nearly, and not quite, one of ``known``.

    Others may have variables of their own: what is near to none is theirs.
    """
    names = frozenset(known)
    lines: list[str] = []
    for name in sorted(environ):
        upper = name.upper()
        if name in names or not upper.startswith("OT") or upper.endswith(_OTHERS):
            continue
        if name.startswith(_OURS):  # Told as an unknown setting.
            continue
        meant = nearest(name, names, _ALIKE)
        if meant is not None:
            lines.append(f"{_shown(name)} is not read by anybody; did you mean {meant}?")
    return lines[:_MOST]


def unknown_libraries(
    variable: str, listed: Iterable[str], known: Iterable[str], sure: bool = True
) -> list[str]:
    """A line for each library in a list that is none of ``known``.

    ``sure``: whether nobody but otelier reads the list, so that what is near to none is wrong, too.
    What is listed is not shown: it may be a secret in the wrong variable.
    """
    names = frozenset(known)
    lines: list[str] = []
    for name in sorted({*listed} - names):
        meant = nearest(name, names, _ALIKE_SHORT if sure else _ALIKE)
        if meant is not None:
            lines.append(f"{variable} has a name that no library has; did you mean {meant}?")
        elif sure:
            lines.append(f"{variable} has a name that no library has, which does nothing.")
    return list(dict.fromkeys(lines))[:_MOST]


def _shown(name: str) -> str:
    """A name as it may stand in a terminal; where a key stands in its place, less than that."""
    shown = name if len(name) <= 60 else f"{name[:20]}..."
    return shown if shown.isprintable() else ascii(shown)
