"""Where a ClickHouse is, from its URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from otelier import urls
from otelier.setting_texts import FALSE, TRUE
from otelier.store.engine import StoreError

_FORM: Final = "clickhouse://user:password@host:8123/otelier"
# What may follow behind `?`: how the server's certificate is checked.
_OPTIONS: Final = ("verify", "ca_cert", "client_cert", "client_cert_key")
# Whether it is checked: what the client does not know it takes for a no.
_VERIFY: Final = {**dict.fromkeys(TRUE, "true"), **dict.fromkeys(FALSE, "false")}
_PORTS: Final = {False: 8123, True: 8443}
_DATABASE: Final = "otelier"


@dataclass(frozen=True, slots=True)
class Place:
    """A server and who asks it."""

    host: str
    port: int
    tls: bool
    database: str
    user: str | None
    password: str = field(repr=False)
    options: dict[str, Any]

    @property
    def shown(self) -> str:
        """The URL as others may see it."""
        scheme = "clickhouses" if self.tls else "clickhouse"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{scheme}://{user}{host}:{self.port}/{self.database}"


def parsed(url: str) -> Place:
    """Read a URL. Raises StoreError, which does not repeat it: it may hold a password."""
    try:
        parts = urls.split(url)
        port = parts.port
        tls = parts.scheme == "clickhouses"
        options = dict(parse_qsl(parts.query))
    except ValueError:
        raise StoreError(f"this is no address of a ClickHouse: write {_FORM}") from None
    if not parts.hostname or "/" in parts.path[1:].rstrip("/"):
        raise StoreError(f"this is no address of a ClickHouse: write {_FORM}")
    for name in options:
        if name not in _OPTIONS:
            raise StoreError(f"the store's address knows no {name!r}: {', '.join(_OPTIONS)}")
    verify = options.get("verify")
    if verify is not None:
        if verify.lower() not in _VERIFY:
            raise StoreError("the store's address has verify=true or verify=false, nothing else")
        options["verify"] = _VERIFY[verify.lower()]
    return Place(
        host=parts.hostname,
        port=port or _PORTS[tls],
        tls=tls,
        database=unquote(parts.path.strip("/")) or _DATABASE,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
        options=options,
    )
