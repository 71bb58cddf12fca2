"""Certificates are found in PEM and in keystores; what cannot be read says so, and quotes nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.certificates.contents import Unreadable, fits, holds_certificates, read
from ils_pipelines.operations.certificates.judging import Place, examine, name_of
from ils_pipelines.operations.findings import Urgency
from tests.support.java_keystore import JCEKS, JKS, java_keystore
from tests.support.minting import root

KEYTOOL = Path(__file__).parent / "files" / "keytool.jks"
"""By keytool: a key with its certificate and one of an authority, both for a hundred years; the password is changeit."""

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


# -- keystores of Java -----------------------------------------------------------------------------------------------


def test_what_keytool_wrote_is_read_without_its_password() -> None:
    content = KEYTOOL.read_bytes()

    store = read(content)

    assert holds_certificates("store", content)
    assert [name_of(each) for each in store.certificates] == ["web.example.com", "authority"]
    assert all(each.not_valid_after_utc.year == 2126 for each in store.certificates)
    assert store.key_fits is None


@pytest.mark.parametrize("magic", [JKS, JCEKS], ids=["JKS", "JCEKS"])
def test_trusted_certificates_and_the_chains_of_keys_are_read(magic: bytes) -> None:
    content = java_keystore(
        ("web", (LEAF.certificate, ROOT.certificate), b"encrypted"), ("ä", (ROOT.certificate,), None), magic=magic
    )

    assert read(content).certificates == (LEAF.certificate, ROOT.certificate, ROOT.certificate)


def test_an_end_that_is_near_is_found_in_a_keystore() -> None:
    soon = ROOT.issue(left=timedelta(days=2))

    (certificate,) = read(java_keystore(("web", (soon.certificate,), b"encrypted"))).certificates
    found = examine(certificate, Place("store", "renew it", datetime.now(UTC)))

    assert [each.urgency for each in found.findings] == [Urgency.CRITICAL]


def test_secret_keys_and_other_versions_are_named() -> None:
    secret = JCEKS + bytes.fromhex("00000002 00000001 00000003 0001 61 0000000000000000 aced0005")
    with pytest.raises(Unreadable, match="secret keys"):
        read(secret)
    with pytest.raises(Unreadable, match="version 3"):
        read(JKS + bytes.fromhex("00000003 00000000"))


@given(st.data())
def test_a_damaged_keystore_is_read_alike_or_unreadable_and_never_takes_long(data: st.DataObject) -> None:
    """Counts and lengths that were never meant are refused before anything is made of them."""
    whole = KEYTOOL.read_bytes()
    if data.draw(st.booleans()):
        content = whole[: data.draw(st.integers(4, len(whole) - 1))]
    else:
        place, value = data.draw(st.integers(4, len(whole) - 1)), data.draw(st.binary(min_size=1, max_size=4))
        content = whole[:place] + value + whole[place + len(value) :]
    try:
        store = read(content)
    except Unreadable:
        return
    assert len(store.certificates) <= 2
    assert len(content) == len(whole)


def test_damage_is_told_without_what_is_damaged() -> None:
    damaged = b"-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n"

    with pytest.raises(Unreadable) as told:
        read(damaged)

    assert "damaged" in str(told.value)
    assert "c2VjcmV0" not in str(told.value)
    assert told.value.__suppress_context__


def test_a_certificate_of_a_version_that_there_is_not_is_unreadable() -> None:
    first, second = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"
    der = LEAF.certificate.public_bytes(Encoding.DER).replace(first, second, 1)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"

    for content in (pem, KEYTOOL.read_bytes().replace(first, second)):
        with pytest.raises(Unreadable, match="damaged"):
            read(content)


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
