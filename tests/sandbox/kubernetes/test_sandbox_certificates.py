"""The sandbox's certificates: made once, for loopback alone, renewed when they must be."""

from __future__ import annotations

import ipaddress
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ils_sandbox import tls
from ils_sandbox.tls import ensure_certificates


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_server_certificate_is_for_loopback_and_issued_by_the_authority(tmp_path: Path) -> None:
    made = ensure_certificates(tmp_path)

    server, authority = load(made.certificate_file), load(made.ca_file)
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]


def test_they_are_made_once(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path)
    before = first.certificate_file.read_bytes()

    assert ensure_certificates(tmp_path) == first
    assert first.certificate_file.read_bytes() == before


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    made = ensure_certificates(tmp_path)

    for key in (made.key_file, tmp_path / "ca.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_certificate_about_to_end_is_renewed_by_the_same_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "SERVER_LIFETIME", timedelta(days=5))
    made = ensure_certificates(tmp_path)
    authority = made.ca_file.read_bytes()
    monkeypatch.undo()

    ensure_certificates(tmp_path)

    assert made.ca_file.read_bytes() == authority
    server = load(made.certificate_file)
    assert server.not_valid_after_utc - server.not_valid_before_utc > timedelta(days=300)


@pytest.mark.parametrize("name", ["server.key", "server.crt", "ca.key"])
def test_a_damaged_file_is_replaced(tmp_path: Path, name: str) -> None:
    made = ensure_certificates(tmp_path)
    (tmp_path / name).write_text("damaged")

    ensure_certificates(tmp_path)

    load(made.certificate_file).verify_directly_issued_by(load(made.ca_file))
