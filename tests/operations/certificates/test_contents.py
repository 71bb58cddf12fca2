"""Certificates are found in PEM and in keystores; what cannot be read says so, and quotes nothing."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    KeySerializationEncryption,
    NoEncryption,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.certificates.contents import Unreadable, fits, holds_certificates, read
from tests.support.minting import root

ROOT = root()
LEAF = ROOT.issue()


def _keystore(encryption: KeySerializationEncryption) -> bytes:
    return serialize_key_and_certificates(b"web", LEAF.key, LEAF.certificate, [ROOT.certificate], encryption)  # type: ignore[arg-type]


def test_every_certificate_of_a_chain_is_read_and_keys_between_are_not() -> None:
    content = LEAF.pem + LEAF.key_pem + b"# a comment\n" + ROOT.pem

    assert read(content).certificates == (LEAF.certificate, ROOT.certificate)


@pytest.mark.parametrize("password", [None, b"changeit"], ids=["open", "with its password"])
def test_a_keystore_gives_its_certificates_and_whether_the_key_fits(password: bytes | None) -> None:
    content = _keystore(BestAvailableEncryption(password) if password else NoEncryption())

    store = read(content, [password] if password else [])

    assert store.certificates == (LEAF.certificate, ROOT.certificate)
    assert store.key_fits


def test_a_keystore_whose_password_is_not_known_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="password is not beside it"):
        read(_keystore(BestAvailableEncryption(b"changeit")), [b"other"])


def test_the_old_format_of_java_is_named() -> None:
    assert holds_certificates("store", b"\xfe\xed\xfe\xed\x00\x00\x00\x02")
    with pytest.raises(Unreadable, match="Java's old format"):
        read(b"\xfe\xed\xfe\xed\x00\x00\x00\x02")


def test_damage_is_told_without_what_is_damaged() -> None:
    damaged = b"-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n"

    with pytest.raises(Unreadable) as told:
        read(damaged)

    assert "damaged" in str(told.value)
    assert "c2VjcmV0" not in str(told.value)
    assert told.value.__suppress_context__


def test_a_key_is_of_one_certificate_alone() -> None:
    assert fits(LEAF.key_pem, LEAF.certificate)
    assert not fits(ROOT.key_pem, LEAF.certificate)
    with pytest.raises(Unreadable):
        fits(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", LEAF.certificate)


def test_other_files_hold_none() -> None:
    assert not holds_certificates("config.yaml", b"a: 1")
    assert not holds_certificates("tls.key", LEAF.key_pem)


@given(st.binary(max_size=200))
def test_whatever_is_in_a_keystore_is_read_or_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)
