"""Certificates of a live environment: clean when new, each planted fault is found, and what does not answer is unknown."""

from __future__ import annotations

import pytest

from ils_pipelines.operations.certificates.catalog import SOURCES
from ils_pipelines.operations.certificates.models import LAYERS, CertificateReport
from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.probing import LayerCondition
from ils_pipelines.settings.certificates import Certificates, TlsEndpoint
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.certificate_cases import CASES, GOOD, NO_API, REFUSED, ROOT, Case
from tests.operations.watch.site import Site
from tests.support.minting import self_signed
from tests.support.tls_server import tls_server

pytestmark = pytest.mark.timeout(600)


def test_a_new_environment_has_no_finding_and_everything_was_looked_at(site: Site) -> None:
    report = certificates(site.target)

    assert report.findings == ()
    assert report.sound
    assert {layer.layer for layer in report.layers} == set(LAYERS)
    looked_at = " ".join(each.component for each in report.examined)
    for part in ("ACM certificate", "API of EKS cluster", "database writer", "cache ils-dev", "database instance"):
        assert part in looked_at
    [way_in] = [each for each in report.examined if each.component == "https://dev.ils.example.com"]
    assert way_in.note.startswith("unsupported in the sandbox")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_planted_is_found_and_gone_with_it(site: Site, case: Case) -> None:
    with case.breaks(site):
        report = certificates(site.target, [case.layer])

    [finding] = report.findings
    assert finding.subject.startswith(case.subject)
    assert finding.urgency is case.urgency
    assert case.found in finding.found
    assert finding.remedy
    assert not report.sound
    assert certificates(site.target, [case.layer]).findings == ()


@pytest.mark.parametrize(("server", "service", "operation", "components"), REFUSED, ids=lambda value: value)
def test_what_does_not_answer_is_unknown_and_not_fine(
    site: Site, server: str, service: str, operation: str, components: str
) -> None:
    fault = {"service": service, "operation": operation, "error_code": "AccessDenied", "status": 403}
    site.sandbox.control("faults", {**fault, "times": 20, "after": 0}, method="POST", server=server)
    try:
        report = certificates(site.target)
    finally:
        site.sandbox.control("faults", method="DELETE", server=server)

    unknown = {finding.subject for finding in report.findings if finding.urgency is Urgency.UNKNOWN}
    assert components in unknown
    assert not report.sound


def test_every_source_is_tried_with_an_api_that_refuses() -> None:
    assert {components for *_, components in REFUSED} | NO_API == {source.components for source in SOURCES}
    assert set(LAYERS) == {source.speaks_for for source in SOURCES}


def test_what_was_never_provisioned_is_not_sound(site: Site) -> None:
    report = certificates(site.sibling(Environment(name="never")).target)

    assert {layer.condition for layer in report.layers} == {LayerCondition.NOT_PROVISIONED}
    assert not report.sound


def _with_endpoint(site: Site, port: int) -> CertificateReport:
    endpoint = TlsEndpoint(name="web.example.com", address="127.0.0.1", port=port, authorities=ROOT.pem.decode())
    configured = Certificates(endpoints=(endpoint,))
    environment = site.target.environment.model_copy(update={"certificates": configured})
    return certificates(site.sibling(environment).target, [Layer.LOAD_BALANCER])


def test_a_configured_endpoint_is_looked_at_with_its_own_authorities(site: Site) -> None:
    with tls_server(GOOD) as port:
        assert _with_endpoint(site, port).findings == ()
    with tls_server(self_signed()) as port:
        [finding] = _with_endpoint(site, port).findings

    assert finding.found == "a certificate that signs itself"


def test_a_look_changes_nothing_and_asks_nothing_twice(site: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()

    report = certificates(site.target)

    requests = sandbox.requests()
    assert [request for request in requests if request["mutating"]] == []
    assert len(requests) <= 2 * len(report.examined)


def test_the_command_shows_the_most_urgent_first_and_fails(site: Site, sandbox: LocalSandbox) -> None:
    case = next(case for case in CASES if "tls.key" in case.subject)
    with case.breaks(site):
        shown = sandbox.ils("certs", "dev", code=1).stdout
        document = sandbox.ils_json("certs", "dev", code=1)

    assert shown.index("tls.key") < shown.index("ACM certificate")
    assert "-> Renew it where it comes from" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert document["counts"]["critical"] == 1
    assert document["findings"][0]["urgency"] == "critical"
    assert document["success"] is False
    assert "PRIVATE KEY" not in shown
