"""Where a server listens, and what it demands of those who come."""

from __future__ import annotations

import argparse
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass
from typing import Final

from otelier import settings

# What exporters send to where nobody says otherwise.
HOST: Final = "127.0.0.1"
PORT: Final = 4318
# What may stand behind `Bearer`, by RFC 6750.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class RefusedError(Exception):
    """A server that cannot begin: a line, and the exit code."""

    def __init__(self, line: str, code: int) -> None:
        super().__init__(line)
        self.line = line
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """Where it listens, and what is asked of those who come."""

    host: str
    port: int
    # What they have to bring; None for everybody who reaches the address.
    token: str | None
    # Whether nobody else knows the token yet.
    made: bool
    loopback: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments; where no port is said, it is None."""
    parser.add_argument("--host", default=HOST, help=f"address to listen on ({HOST})")
    parser.add_argument("--port", type=port, help=f"port; 0 for any ({PORT})")
    parser.add_argument(
        "--token", metavar="TEXT", help="what programs have to bring; others see it in `ps`"
    )


def port(text: str) -> int:
    """A port. Raises ValueError; argparse tells this function's name."""
    found = int(text)
    if not 0 <= found < 1 << 16:
        raise ValueError(text)
    return found


def told(args: argparse.Namespace) -> Address:
    """What the arguments and the environment say. Raises RefusedError.

    Beyond this machine a token is demanded, and made if none is given.
    """
    from otelier.web.guarding import is_loopback

    loopback = is_loopback(args.host)
    token = settings.receiver_token() if args.token is None else args.token
    made = token is None and not loopback
    if made:
        token = secrets.token_urlsafe(24)
    if token is not None and not _TOKEN.fullmatch(token):
        raise RefusedError("a token has letters, digits and -._~+/= only", 2)
    return Address(args.host, PORT if args.port is None else args.port, token, made, loopback)


def listener(address: Address) -> socket.socket:
    """A socket that listens there. Raises RefusedError."""
    from otelier.web.serving import listening

    try:
        return listening(address.host, address.port)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise RefusedError(f"{address.host} port {address.port}: {why}", 1) from None


def url(listener: socket.socket, loopback: bool) -> str:
    """How it is reached."""
    host, port = listener.getsockname()[:2]
    if not loopback and ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def variables(address: Address, url: str) -> str:
    """What programs have to be told so that they send there."""
    told = f"OTEL_EXPORTER_OTLP_ENDPOINT={url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    if address.token is not None:
        # Only what nobody else knows is shown, and only here.
        shown = address.token if address.made else "TOKEN"
        told += f" OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{shown}"
    return told
