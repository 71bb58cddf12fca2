"""Real servers with certificates made for the case: what is wrong is found, and nothing where nothing is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography.x509 import ocsp
from OpenSSL import SSL

from ils_pipelines.operations.certificates.endpoint import examine_endpoint
from ils_pipelines.operations.certificates.handshake import Address
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.findings import Finding, Urgency
from tests.support.minting import HOST, Identity, root, self_signed, weak_key
from tests.support.tls_server import plain_server, tls_server

ROOT = root()
MIDDLE = ROOT.issue("Test intermediate", left=timedelta(days=1800), life=timedelta(days=3600), authority=True)
GOOD = MIDDLE.issue()
Server = Callable[[], AbstractContextManager[int]]


def _look(port: int, http_port: int | None = None, name: str = HOST) -> list[Examined]:
    address = Address("127.0.0.1", port, name)
    return list(examine_endpoint(f"https://{name}", address, (ROOT.certificate,), "Mend it.", http_port))


def _findings(examined: list[Examined]) -> list[Finding]:
    return [finding for each in examined for finding in each.findings]


@dataclass(frozen=True)
class Case:
    name: str
    server: Server
    urgency: Urgency
    expected: str
    found: str

    def __str__(self) -> str:
        return self.name


def _leaf(**how: object) -> Server:
    return lambda: tls_server(MIDDLE.issue(**how), MIDDLE)  # type: ignore[arg-type]


def _stapled(status: ocsp.OCSPCertStatus, fresh_for: timedelta = timedelta(days=1)) -> Server:
    return lambda: tls_server(GOOD, MIDDLE, stapled=MIDDLE.ocsp_response(GOOD, status, fresh_for))


_OLD = (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION)
_ALL = (SSL.TLS1_VERSION, SSL.TLS1_3_VERSION)
CASES = (
    Case("expiring", _leaf(left=timedelta(days=14)), Urgency.WARNING, "time left", "in 13 days"),
    Case("about to expire", _leaf(left=timedelta(days=4, hours=1)), Urgency.CRITICAL, "time left", "in 4 days"),
    Case("expired", _leaf(left=-timedelta(days=4)), Urgency.CRITICAL, "time left", "4 days ago"),
    Case("not valid yet", _leaf(life=timedelta(days=30)), Urgency.CRITICAL, "valid by now", "begins 20"),
    Case("another name", _leaf(name="x.example.com"), Urgency.CRITICAL, f"for {HOST}", "x.example.com"),
    Case("weak key", _leaf(key=weak_key()), Urgency.CRITICAL, "2048 bits", "RSA 1024"),
    Case("self-signed", lambda: tls_server(self_signed()), Urgency.CRITICAL, "authority signed", "signs itself"),
    Case("no intermediate", lambda: tls_server(GOOD), Urgency.CRITICAL, "trusted authority", "'Test intermediate'"),
    Case(
        "another authority",
        lambda: tls_server(root("Unknown root").issue()),
        Urgency.CRITICAL,
        "trusted authority",
        "'Unknown root', which signed 'web.example.com', was not sent",
    ),
    Case(
        "wrong order",
        lambda: tls_server(GOOD, ROOT, MIDDLE),
        Urgency.WARNING,
        "followed by the one that signed it",
        "'Test root' follows 'web.example.com'",
    ),
    Case(
        "expiring intermediate",
        lambda: _through(ROOT.issue("Short", left=timedelta(days=10), life=timedelta(days=900), authority=True)),
        Urgency.CRITICAL,
        "time left",
        "in 9 days",
    ),
    Case(
        "demanded response missing",
        _leaf(must_staple=True),
        Urgency.CRITICAL,
        "an OCSP response",
        "none stapled",
    ),
    Case("revoked", _stapled(ocsp.OCSPCertStatus.REVOKED), Urgency.CRITICAL, "good standing", "revoked"),
    Case(
        "stale response",
        _stapled(ocsp.OCSPCertStatus.GOOD, -timedelta(hours=1)),
        Urgency.WARNING,
        "a fresh OCSP response",
        "one of before",
    ),
    Case(
        "old TLS alone",
        lambda: tls_server(GOOD, MIDDLE, versions=_OLD),
        Urgency.CRITICAL,
        "TLS 1.2 or 1.3",
        "TLSv1.1",
    ),
    Case(
        "old TLS as well",
        lambda: tls_server(GOOD, MIDDLE, versions=_ALL),
        Urgency.WARNING,
        "no connection below TLS 1.2",
        "TLS 1.1 or older",
    ),
)


def _through(authority: Identity) -> AbstractContextManager[int]:
    return tls_server(authority.issue(), authority)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_wrong_with_a_server_is_the_one_thing_found(case: Case) -> None:
    with case.server() as port:
        [finding] = _findings(_look(port))

    assert finding.urgency is case.urgency
    assert case.expected in finding.expected
    assert case.found in finding.found
    assert finding.remedy == "Mend it."


def test_a_server_with_its_whole_chain_has_no_finding() -> None:
    with tls_server(GOOD, MIDDLE) as port:
        examined = _look(port)

    assert _findings(examined) == []
    assert [each.component for each in examined] == [
        "https://web.example.com: web.example.com",
        "https://web.example.com: Test intermediate",
    ]
    assert "TLSv1.3, 2 sent" in examined[0].note
    assert examined[0].ends == GOOD.certificate.not_valid_after_utc


def test_a_root_that_is_sent_along_and_a_good_staple_are_no_finding() -> None:
    with tls_server(GOOD, MIDDLE, ROOT, stapled=MIDDLE.ocsp_response(GOOD)) as port:
        examined = _look(port)

    assert _findings(examined) == []
    assert "OCSP response stapled" in examined[0].note


def test_an_address_is_looked_for_among_the_addresses_of_a_certificate() -> None:
    with tls_server(MIDDLE.issue("127.0.0.1"), MIDDLE) as port:
        assert _findings(_look(port, name="127.0.0.1")) == []


@pytest.mark.parametrize(
    ("name", "good"), [("a.example.com", True), ("a.b.example.com", False), ("example.com", False)]
)
def test_a_star_stands_for_one_label(name: str, good: bool) -> None:
    with tls_server(MIDDLE.issue("*.example.com"), MIDDLE) as port:
        assert (_findings(_look(port, name=name)) == []) is good


def test_who_does_not_answer_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    [finding] = _findings(_look(port))

    assert finding.urgency is Urgency.UNKNOWN
    assert "refused" in finding.found


def test_who_speaks_no_tls_is_unknown() -> None:
    with plain_server(b"SSH-2.0-server\r\n") as port:
        [finding] = _findings(_look(port))

    assert finding.urgency is Urgency.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://web.example.com/\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://web.example.com/\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", False),
        (b"what?", False),
    ],
    ids=["to HTTPS", "to HTTP", "served in clear", "no HTTP"],
)
def test_plain_http_has_to_lead_to_https(answer: bytes, good: bool) -> None:
    with tls_server(GOOD, MIDDLE) as port, plain_server(answer) as http_port:
        found = _findings(_look(port, http_port))

    assert (found == []) is good
    if not good:
        assert [each.expected for each in found] == ["a redirect to HTTPS"]
