"""Rules for what a TLS server sent: its chain, the protocol, the OCSP response."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from ils_pipelines.operations.certificates.handshake import Served, is_good
from ils_pipelines.operations.certificates.judging import (
    Place,
    examine,
    is_for,
    is_self_signed,
    name_of,
    names,
)
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.certificates.trust import why_not_trusted
from ils_pipelines.operations.findings import Finding, Urgency


@dataclass(frozen=True)
class Expectation:
    """What a server should prove."""

    name: str
    """That its certificate is for."""
    authorities: tuple[x509.Certificate, ...]
    """One of which should vouch for it."""


def examine_served(served: Served, expected: Expectation, place: Place) -> Iterator[Examined]:
    """The server's certificate with all that is wrong with the connection, then the others that it sent."""
    if not served.chain:
        finding = Finding(place.component, Urgency.CRITICAL, "a certificate", "none was sent", place.remedy)
        yield Examined(place.component, served.protocol, findings=(finding,))
        return
    leaf, *others = served.chain
    own = examine(leaf, place)
    more = (
        *_names(leaf, expected, place),
        *_chain(served.chain, expected, place),
        *_protocol(served, place),
        *_staple(served, leaf, place),
    )
    stapled = ", OCSP response stapled" if served.stapled else ""
    note = f"{own.note}, {served.protocol}, {len(served.chain)} sent{stapled}"
    yield replace(own, note=note, findings=(*own.findings, *more))
    for each in others:
        if not is_self_signed(each):  # a root that is sent along is read by nobody
            yield examine(each, place)


def _names(leaf: x509.Certificate, expected: Expectation, place: Place) -> Iterator[Finding]:
    if not is_for(leaf, expected.name):
        found = ", ".join(names(leaf)) or "no subject alternative name"
        yield Finding(place.component, Urgency.CRITICAL, f"a certificate for {expected.name}", found, place.remedy)


def _chain(chain: Sequence[x509.Certificate], expected: Expectation, place: Place) -> Iterator[Finding]:
    leaf = chain[0]
    why = why_not_trusted(chain, expected.authorities)
    if why and is_self_signed(leaf):
        found = "a certificate that signs itself"
        yield Finding(place.component, Urgency.CRITICAL, "one that an authority signed", found, place.remedy)
    elif why:
        last = _end_of_path(chain)
        wanted = f"a chain that leads from {name_of(leaf)} to a trusted authority"
        found = (
            f"{why}; the certificate of {name_of(last, issuer=True)!r}, which signed {name_of(last)!r}, was not sent"
        )
        yield Finding(
            place.component, Urgency.CRITICAL, wanted, found if not is_self_signed(last) else why, place.remedy
        )
    wrong = [
        f"{name_of(signer)!r} follows {name_of(signed)!r}, which {name_of(signed, issuer=True)!r} signed"
        for signed, signer in pairwise(chain)
        if signed.issuer != signer.subject
    ]
    if wrong:
        wanted = "each certificate followed by the one that signed it"
        yield Finding(place.component, Urgency.WARNING, wanted, "; ".join(wrong), place.remedy)


def _end_of_path(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """The last certificate on the way from the server's to the authority, in whatever order they came."""
    last, left = chain[0], list(chain[1:])
    while not is_self_signed(last):
        signer = next((each for each in left if each.subject == last.issuer), None)
        if signer is None:
            break
        left.remove(signer)
        last = signer
    return last


def _protocol(served: Served, place: Place) -> Iterator[Finding]:
    if not is_good(served.protocol):
        yield Finding(place.component, Urgency.CRITICAL, "TLS 1.2 or 1.3", served.protocol, place.remedy)


def _staple(served: Served, leaf: x509.Certificate, place: Place) -> Iterator[Finding]:
    """An OCSP response is missed only where the certificate itself demands one, as application load balancers and some
    authorities have none. Its signature is left to clients: a false one harms nobody but the server."""
    if not served.stapled:
        if _must_staple(leaf):
            found = "none stapled, so that clients refuse the certificate"
            yield Finding(place.component, Urgency.CRITICAL, "an OCSP response", found, place.remedy)
        return
    response = ocsp.load_der_ocsp_response(served.stapled)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        found = response.response_status.name.lower()
        yield Finding(place.component, Urgency.WARNING, "an OCSP response that tells", found, place.remedy)
        return
    status, until = response.certificate_status, response.next_update_utc
    if status is not ocsp.OCSPCertStatus.GOOD:
        found = f"OCSP says {status.name.lower()}"
        yield Finding(place.component, Urgency.CRITICAL, "a certificate in good standing", found, place.remedy)
    if until is not None and until <= place.now:
        found = f"one of before {until:%Y-%m-%d %H:%M} UTC"
        yield Finding(place.component, Urgency.WARNING, "a fresh OCSP response", found, place.remedy)


def _must_staple(leaf: x509.Certificate) -> bool:
    try:
        features = leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except x509.ExtensionNotFound:
        return False
    return x509.TLSFeatureType.status_request in features
