"""The name people open: certificate, DNS records and web ACL, as far as the file names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/c-1"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/ils/w-1"


@pytest.fixture
def shipped(applied: Runs) -> Any:
    return applied[Layer.LOAD_BALANCER]


@pytest.fixture
def in_a_zone(apply_changed: Changed) -> Any:
    return apply_changed(load_balancer={"domain": "dev.ils.example.com", "zone": "example.com"})[Layer.LOAD_BALANCER]


def test_without_a_zone_there_is_no_record_and_nobody_is_asked_for_one(shipped: Any) -> None:
    assert shipped.of("Record") == []
    assert [call for call in shipped.calls if "Zone" in call] == []


def test_the_domain_is_an_alias_of_the_load_balancer(in_a_zone: Any) -> None:
    for kind in ("A", "AAAA"):
        record = in_a_zone.one("Record", f"domain-{kind.lower()}").inputs
        assert (record["zoneId"], record["name"], record["type"]) == ("Z2", "dev.ils.example.com", kind)
        assert record["aliases"] == [{"name": "name.elb.amazonaws.com", "zoneId": "Z1", "evaluateTargetHealth": True}]


def test_the_record_that_acm_asks_for_is_made_in_the_zone(in_a_zone: Any) -> None:
    record = in_a_zone.one("Record", "proof").inputs
    assert (record["zoneId"], record["name"], record["type"]) == ("Z2", "_asked.ils.example.com.", "CNAME")
    assert record["records"] == ["_proof.acm-validations.aws."]


def test_the_certificate_is_waited_for_once_its_record_is_there(in_a_zone: Any) -> None:
    waiting = in_a_zone.one("CertificateValidation")
    assert waiting.inputs["validationRecordFqdns"] == ["_asked.ils.example.com"]
    assert in_a_zone.one("Record", "proof").urn in waiting.dependencies


def test_a_record_of_an_earlier_certificate_is_taken_over_and_an_alias_of_somebody_is_not(in_a_zone: Any) -> None:
    overwritten = {record.name for record in in_a_zone.of("Record") if record.inputs.get("allowOverwrite")}
    assert overwritten == {"proof"}


def test_a_certificate_that_was_issued_is_used_as_it_is(apply_changed: Changed) -> None:
    run = apply_changed(load_balancer={"certificate_arn": CERTIFICATE})[Layer.LOAD_BALANCER]
    assert run.of("Certificate") + run.of("CertificateValidation") == []
    assert run.one("Listener", "https").inputs["certificateArn"] == CERTIFICATE
    assert run.outputs["certificate_arn"] == CERTIFICATE


def test_with_zone_and_certificate_only_the_domain_is_recorded(apply_changed: Changed) -> None:
    settings = {"domain": "dev.ils.example.com", "zone": "ils.example.com", "certificate_arn": CERTIFICATE}
    run = apply_changed(load_balancer=settings)[Layer.LOAD_BALANCER]
    assert {record.name for record in run.of("Record")} == {"domain-a", "domain-aaaa"}


def test_a_web_acl_guards_the_load_balancer_when_the_file_names_one(apply_changed: Changed, shipped: Any) -> None:
    run = apply_changed(load_balancer={"web_acl_arn": WEB_ACL})[Layer.LOAD_BALANCER]
    association = run.one("WebAclAssociation").inputs
    assert association == {"webAclArn": WEB_ACL, "resourceArn": run.outputs["load_balancer_arn"]}
    assert shipped.of("WebAclAssociation") == []


def test_the_address_for_people_is_in_the_outputs(in_a_zone: Any) -> None:
    assert in_a_zone.outputs["url"] == "https://dev.ils.example.com"
