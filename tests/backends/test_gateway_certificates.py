"""gateway: certificates.sh renews the certificate, and agents go on trusting it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.backends.gateways import HERE
from tests.backends.running import environment


def make(into: Path, *names: str, **env: Any) -> subprocess.CompletedProcess[str]:
    """Run certificates.sh."""
    return subprocess.run(
        ["sh", HERE / "certificates.sh", into, *names],
        env=environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )


def openssl(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)


def trusted(authority: Path, certificate: Path) -> bool:
    """Whether the certificate, for a server of this name, is of the authority."""
    words = ("-purpose", "sslserver", "-verify_hostname", "gateway-1")
    return openssl("verify", *words, "-CAfile", authority, certificate).returncode == 0


def test_renewed_it_is_of_the_same_authority(tmp_path: Path) -> None:
    into, agents = tmp_path / "made", tmp_path / "agents.pem"
    assert make(into, "gateway-1").returncode == 0
    agents.write_bytes((into / "ca.pem").read_bytes())
    first, inode = (into / "gateway.pem").read_bytes(), (into / "gateway.pem").stat().st_ino
    assert trusted(agents, into / "gateway.pem")
    done = make(into, "gateway-1", "gateway-3")
    assert done.returncode == 0, done.stderr
    assert (into / "gateway.pem").read_bytes() != first
    # A mounted file has to stay the same file.
    assert (into / "gateway.pem").stat().st_ino == inode
    assert trusted(agents, into / "gateway.pem")
    shown = openssl("x509", "-in", into / "gateway.pem", "-noout", "-ext", "subjectAltName")
    assert "DNS:gateway-1, DNS:gateway-3" in shown.stdout
    keys = [
        openssl("x509", "-in", into / "gateway.pem", "-noout", "-pubkey").stdout,
        openssl("pkey", "-in", into / "gateway-key.pem", "-pubout").stdout,
    ]
    assert keys[0] == keys[1] != ""
    # Only the owner reads keys, and nothing else is left.
    made = {path.name: path.stat().st_mode & 0o077 for path in into.iterdir()}
    assert made == dict.fromkeys(("ca.pem", "ca-key.pem", "gateway.pem", "gateway-key.pem"), 0)


def test_the_authoritys_key_may_be_elsewhere(tmp_path: Path) -> None:
    into, key = tmp_path / "made", tmp_path / "safe.pem"
    assert make(into, "gateway-1", CA_KEY=key).returncode == 0
    assert key.exists() and not (into / "ca-key.pem").exists()
    authority = (into / "ca.pem").read_bytes()
    assert make(into, "gateway-1", CA_KEY=key).returncode == 0
    assert (into / "ca.pem").read_bytes() == authority
    assert trusted(into / "ca.pem", into / "gateway.pem")


@pytest.mark.parametrize("gone", ["ca.pem", "ca-key.pem"])
def test_half_an_authority_is_not_replaced(tmp_path: Path, gone: str) -> None:
    assert make(tmp_path, "gateway-1").returncode == 0
    (tmp_path / gone).unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused = make(tmp_path, "gateway-1")
    assert refused.returncode == 1 and "belong together" in refused.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_authority_of_another_key_makes_nothing(tmp_path: Path) -> None:
    assert make(tmp_path / "one", "gateway-1").returncode == 0
    assert make(tmp_path / "two", "gateway-1").returncode == 0
    before = (tmp_path / "one" / "gateway.pem").read_bytes()
    mixed = make(tmp_path / "one", "gateway-1", CA_KEY=tmp_path / "two" / "ca-key.pem")
    assert mixed.returncode != 0
    assert (tmp_path / "one" / "gateway.pem").read_bytes() == before
