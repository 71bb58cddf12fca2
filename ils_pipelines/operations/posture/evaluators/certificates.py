"""ACM certificates: those with the environment's tags and those its load balancers serve."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.own_certificates import own_certificates
from ils_pipelines.operations.posture.evaluators.load_balancers import certificate_arns
from ils_pipelines.operations.posture.models import Observation

_LONGEST_NOTICE = timedelta(days=30)
_SMALLEST_RSA_BITS = 2048


def expiry(live: Live) -> Iterator[Observation]:
    now = datetime.now(UTC)
    for name, certificate in _certificates(live):
        ends = certificate.get("NotAfter")
        if ends is None:
            yield Observation(name, "an issued certificate", certificate["Status"].lower(), holds=False)
            continue
        # Certificates live ever shorter: 30 days are a third of the 90 that are coming.
        lifetime = ends - certificate.get("NotBefore", ends - timedelta(days=90))
        notice = min(_LONGEST_NOTICE, lifetime / 3)
        expected = f"more than {notice.days} days left"
        yield Observation(name, expected, f"until {ends.astimezone(UTC):%Y-%m-%d}", ends - now > notice)


def key_size(live: Live) -> Iterator[Observation]:
    for name, certificate in _certificates(live):
        algorithm = str(certificate.get("KeyAlgorithm", "unknown"))
        kind, _, bits = algorithm.replace("-", "_").partition("_")
        strong = kind == "EC" or (kind == "RSA" and bits.isdigit() and int(bits) >= _SMALLEST_RSA_BITS)
        yield Observation(name, f"RSA of {_SMALLEST_RSA_BITS} bits or more, or EC", algorithm, strong)


def _certificates(live: Live) -> Iterator[tuple[str, Record]]:
    for certificate in own_certificates(live, certificate_arns(live)):
        yield (
            f"certificate {certificate['DomainName']} ({certificate['CertificateArn'].rsplit('/', 1)[-1]})",
            certificate,
        )
