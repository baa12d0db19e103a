"""Which price list is the right one: that of the genai-prices which is installed.

Its compiled form is shipped for one version. For another it is in the user's cache, or is compiled
once, by whoever has the time (:func:`build`), and put there.
"""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

from otelier import guard, settings, wire
from otelier.prices import compiling
from otelier.prices.listing import FORMAT, Entry, PriceList

SHIPPED: Final = Path(__file__).with_name("list.jsonl")
_LIBRARY: Final = "genai-prices"


@cache
def installed() -> str | None:
    """The version of genai-prices that is installed."""
    try:
        found = distribution(_LIBRARY)
    except PackageNotFoundError:
        return None
    # Of all that is said there nothing else is read.
    head = (found.read_text("METADATA") or "").partition("\n\n")[0]
    told = head.partition("\nVersion: ")[2].partition("\n")[0].strip()
    return told or found.version


def ready() -> tuple[PriceList, str] | None:
    """The list and where it comes from, within milliseconds; None where it has to be built."""
    wanted = installed()
    try:
        shipped = SHIPPED.read_bytes()
        # Most often it is the one, and nothing else is looked at.
        if wanted is None or wire.loads(shipped[: shipped.index(b"\n")])["version"] == wanted:
            return PriceList.read(shipped), "shipped"
    except (OSError, ValueError, KeyError, TypeError):
        guard.failed("prices.shipped")
    place = cached(wanted)
    if place is None:
        return None
    try:
        found = PriceList.read(place.read_bytes())
        if found.version == wanted:
            return found, "cached"
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        guard.failed("prices.cached")
    return None


def build() -> tuple[PriceList, str]:
    """The installed library's list, compiled; takes up to a second. Raises what that raises."""
    from genai_prices.data import providers
    from genai_prices.data_units import unit_data

    wanted = installed() or "unknown"
    data = compiling.compiled(providers, unit_data, wanted)
    place = cached(wanted)
    if place is not None:
        try:
            _write(place, data)
        except OSError:
            # A home that cannot be written to: then each process builds it.
            guard.failed("prices.cache")
    return PriceList.read(data), "built"


def ship() -> None:
    """Compile the installed version's list and put it in the place of the shipped one."""
    from genai_prices.data import providers
    from genai_prices.data_units import unit_data

    SHIPPED.write_bytes(compiling.compiled(providers, unit_data, installed() or "unknown"))


def cached(wanted: str | None) -> Path | None:
    """The file of a version in the user's cache; None where there is no place for it."""
    folder = settings.cache_folder()
    if folder is None or wanted is None:
        return None
    return folder / f"prices-{FORMAT}-{wanted}.jsonl"


def _write(place: Path, data: bytes) -> None:
    """Write at once, or not at all: others may read it, or write it, too."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = mkstemp(dir=place.parent, prefix=place.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(place)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def custom(model: str, provider: str | None, url: str | None) -> tuple[bool, Entry | None]:
    """Whether the program has set prices of its own in genai-prices, and the model's among them.

    ``genai_prices.UpdatePrices`` and ``set_custom_snapshot`` do that.
    """
    module: Any = sys.modules.get("genai_prices.data_snapshot")
    snapshot = getattr(module, "_custom_snapshot", None)
    if snapshot is None:
        return False, None
    try:
        owner, found = snapshot.find_provider_model(model, None, provider, url)
    except LookupError:
        return True, None
    borrowed = not any(found is each for each in owner.models)
    return True, Entry(owner.id, borrowed, *_compiled(found))


def _compiled(found: Any) -> tuple[str, Any, Any]:
    id, _, prices, variants = compiling.model(found)
    return id, prices, variants
