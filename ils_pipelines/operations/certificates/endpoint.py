"""One TLS server, looked at from outside: everything that a client would meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509

from ils_pipelines.operations.certificates.chain import Expectation, examine_served
from ils_pipelines.operations.certificates.handshake import Address, is_good, served_by, takes_old_protocols
from ils_pipelines.operations.certificates.judging import Place
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.certificates.redirect import plain_http
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable

_REDIRECT = "Have plain HTTP answer with a redirect to HTTPS; `ils drift` says whether the listener was changed."
_UNREACHABLE = "See that it can be reached from here: what is private is reached from inside the VPC alone."


def examine_endpoint(
    component: str,
    address: Address,
    authorities: tuple[x509.Certificate, ...],
    remedy: str,
    http_port: int | None = None,
) -> Iterator[Examined]:
    """All that can be learned from outside. What does not answer is unknown, and the rest is looked at all the same."""
    place = Place(component, remedy, datetime.now(UTC))
    try:
        served = served_by(address)
        yield from examine_served(served, Expectation(address.name, authorities), place)
        if is_good(served.protocol) and takes_old_protocols(address):
            found = "one with TLS 1.1 or older as well"
            finding = Finding(component, Urgency.WARNING, "no connection below TLS 1.2", found, remedy)
            yield Examined(f"{component}, old protocols", "", findings=(finding,))
    except ApiUnavailable as unavailable:
        yield unanswered(component, str(unavailable))
    if http_port is not None:
        yield _redirected(component, address, http_port)


def _redirected(component: str, address: Address, port: int) -> Examined:
    component = f"{component}, plain HTTP"
    good, found = plain_http(address.host, port, address.name)
    finding = Finding(component, Urgency.WARNING, "a redirect to HTTPS", found, _REDIRECT)
    return Examined(component, found, findings=() if good else (finding,))


def unanswered(component: str, why: str) -> Examined:
    finding = Finding(component, Urgency.UNKNOWN, "a TLS server that answers", why, _UNREACHABLE)
    return Examined(component, "", findings=(finding,))
