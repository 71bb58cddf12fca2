"""Certificates that the cluster holds, in Secrets and ConfigMaps: chains, bundles of authorities, keystores."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ils_pipelines.operations.certificates.contents import Store, Unreadable, fits, holds_certificates, read
from ils_pipelines.operations.certificates.judging import Place, examine, is_authority
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View
from ils_pipelines.release.objects import CONFIG_MAP, SECRET

_RENEW = "Renew it where it comes from (cert-manager: `cmctl renew`; else put the new chain and key into the {kind})."
_CONVERT = "Keep it as PKCS#12 (keytool -importkeystore -deststoretype pkcs12) with its password in the same secret."
_PASSWORDS = ("password", "passphrase", "storepass")
"""What the key beside a keystore is called, or ends in, that holds its password."""


def secrets(view: View) -> Iterator[Examined]:
    for secret in view.live.objects(SECRET):
        content = _decoded(secret.get("data") or {})
        title = "TLS secret" if secret.get("type") == "kubernetes.io/tls" else "secret"
        yield from _object(title, secret, content)
        if content.get("tls.key") and content.get("tls.crt"):
            yield from _pair(f"{title} {_path(secret)}", content["tls.crt"], content["tls.key"])


def config_maps(view: View) -> Iterator[Examined]:
    for each in view.live.objects(CONFIG_MAP):
        texts = {name: text.encode() for name, text in (each.get("data") or {}).items()}
        yield from _object("config map", each, texts | _decoded(each.get("binaryData") or {}))


def _object(title: str, record: Record, content: Mapping[str, bytes]) -> Iterator[Examined]:
    passwords = [value.strip() for name, value in content.items() if name.lower().endswith(_PASSWORDS)]
    for name, value in sorted(content.items()):
        if not holds_certificates(name, value):
            continue
        component = f"{title} {_path(record)}, {name}"
        place = Place(component, _RENEW.format(kind=title), datetime.now(UTC))
        try:
            yield from _store(read(value, passwords), place)
        except Unreadable as unreadable:
            finding = Finding(component, Urgency.UNKNOWN, "certificates that can be read", str(unreadable), _CONVERT)
            yield Examined(component, "", findings=(finding,))


def _store(store: Store, place: Place) -> Iterator[Examined]:
    authorities = len(store.certificates) > 1 and all(is_authority(each) for each in store.certificates)
    within = Place(place.component, place.remedy, place.now, among_others=authorities)
    for certificate in store.certificates:
        yield examine(certificate, within)
    if store.key_fits is False:
        yield _unfit(place)


def _pair(component: str, chain: bytes, key: bytes) -> Iterator[Examined]:
    place = Place(f"{component}, tls.key", _RENEW.format(kind="secret"), datetime.now(UTC))
    try:
        if not fits(key, read(chain).certificates[0]):
            yield _unfit(place)
    except Unreadable as unreadable:
        finding = Finding(place.component, Urgency.UNKNOWN, "a key that can be read", str(unreadable), place.remedy)
        yield Examined(place.component, "", findings=(finding,))


def _unfit(place: Place) -> Examined:
    found = "the key of another"
    return Examined(
        place.component,
        "",
        findings=(Finding(place.component, Urgency.CRITICAL, "the key of its certificate", found, place.remedy),),
    )


def _decoded(data: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for name, value in data.items():
        try:
            found[name] = b64decode(value, validate=True)
        except binascii.Error:
            continue  # the API refuses it; there is no certificate in it
    return found


def _path(record: Record) -> str:
    return f"{record['metadata']['namespace']}/{record['metadata']['name']}"
