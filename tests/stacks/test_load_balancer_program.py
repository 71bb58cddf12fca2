"""The way in from the internet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.LOAD_BALANCER]


@pytest.fixture
def balancer(run: Any) -> dict[str, Any]:
    return dict(run.one("LoadBalancer").inputs)


@pytest.fixture
def targets(run: Any) -> dict[str, Any]:
    return dict(run.one("TargetGroup", "app").inputs)


def test_it_faces_the_internet_from_the_public_subnets(balancer: dict[str, Any]) -> None:
    assert (balancer["internal"], balancer["loadBalancerType"]) == (False, "application")
    assert balancer["subnets"] == ["public-a-id", "public-b-id"]


def test_it_stands_behind_its_own_group(balancer: dict[str, Any]) -> None:
    assert balancer["securityGroups"] == ["load-balancer-id"]


def test_requests_that_are_not_well_formed_go_no_further(balancer: dict[str, Any]) -> None:
    assert balancer["dropInvalidHeaderFields"] is True
    assert balancer["desyncMitigationMode"] == "defensive"


def test_only_production_s_refuses_to_be_deleted(balancer: dict[str, Any], tier: str) -> None:
    assert balancer["enableDeletionProtection"] is (tier == "production")


def test_http_is_sent_on_to_https_for_good(run: Any) -> None:
    listener = run.one("Listener", "http").inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    (action,) = listener["defaultActions"]
    assert action["type"] == "redirect"
    assert action["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}


def test_https_takes_tls_1_2_and_1_3_only(run: Any) -> None:
    listener = run.one("Listener", "https").inputs
    assert (listener["port"], listener["protocol"]) == (443, "HTTPS")
    assert listener["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"


def test_https_goes_to_the_application(run: Any) -> None:
    (action,) = run.one("Listener", "https").inputs["defaultActions"]
    assert action["type"] == "forward"
    assert action["targetGroupArn"].endswith("TargetGroup/app")


def test_new_pods_have_targets_of_their_own_where_it_weighs_and_no_listener_leads_there_at_rest(
    of_tier: Callable[[str], Runs],
) -> None:
    run = of_tier("production")[Layer.LOAD_BALANCER]
    canary, app = (dict(run.one("TargetGroup", name).inputs) for name in ("canary", "app"))

    assert {key: value for key, value in canary.items() if key not in ("name", "tags")} == {
        key: value for key, value in app.items() if key not in ("name", "tags")
    }
    assert run.outputs["canary_target_group_arn"].endswith("TargetGroup/canary")
    assert of_tier("dev")[Layer.LOAD_BALANCER].outputs["canary_target_group_arn"] == ""


@pytest.mark.parametrize(
    ("name", "domain"),
    [("dev", "dev.ils.example.com"), ("staging", "staging.ils.example.com"), ("production", "ils.example.com")],
)
def test_the_certificate_is_for_the_domain_and_proved_by_dns(
    of_tier: Callable[[str], Runs], name: str, domain: str
) -> None:
    certificate = of_tier(name)[Layer.LOAD_BALANCER].one("Certificate").inputs
    assert (certificate["domainName"], certificate["validationMethod"]) == (domain, "DNS")


def test_https_waits_until_the_certificate_is_issued(run: Any) -> None:
    validation = run.one("CertificateValidation")
    assert validation.inputs["certificateArn"].endswith("Certificate/entrance")
    assert validation.urn in run.one("Listener", "https").dependencies


def test_the_targets_are_the_pods_on_the_application_s_port(targets: dict[str, Any]) -> None:
    assert (targets["targetType"], targets["protocol"], targets["port"]) == ("ip", "HTTP", 5000)


def test_another_port_of_the_application_replaces_no_target_group(apply_changed: Changed) -> None:
    """A listener uses it, and its name is taken: AWS would refuse either order."""
    targets = apply_changed(app={"port": 8080})[Layer.LOAD_BALANCER].one("TargetGroup")
    assert (targets.inputs["port"], targets.ignore_changes) == (8080, ("port",))


def test_the_health_of_a_target_is_asked_of_the_application(targets: dict[str, Any]) -> None:
    check = targets["healthCheck"]
    assert (check["path"], check["port"], check["matcher"]) == ("/health", "traffic-port", "200")
    assert check["timeout"] < check["interval"]


def test_a_browser_stays_with_its_pod(targets: dict[str, Any]) -> None:
    assert targets["stickiness"] == {"enabled": True, "type": "lb_cookie", "cookieDuration": 86400}


def test_every_request_is_logged(run: Any, balancer: dict[str, Any]) -> None:
    assert balancer["accessLogs"] == {"enabled": True, "bucket": run.outputs["access_log_bucket"]}


def test_logging_starts_once_it_is_allowed(run: Any) -> None:
    assert run.one("BucketPolicy").urn in run.one("LoadBalancer").dependencies


def test_the_bucket_s_name_is_its_own_among_all_accounts(run: Any, tier: str) -> None:
    assert run.one("Bucket").inputs["bucket"] == f"ils-{tier}-alb-logs-123456789012-us-east-1"


def test_the_bucket_is_private(run: Any) -> None:
    block = run.one("BucketPublicAccessBlock").inputs
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[switch] for switch in switches] == [True] * 4
    assert run.one("BucketOwnershipControls").inputs["rule"]["objectOwnership"] == "BucketOwnerEnforced"


def test_the_bucket_is_encrypted_the_only_way_that_logs_can_be_delivered(run: Any) -> None:
    (rule,) = run.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("staging", 14), ("production", 30)])
def test_logs_are_forgotten_as_the_tier_says(of_tier: Callable[[str], Runs], name: str, days: int) -> None:
    (rule,) = of_tier(name)[Layer.LOAD_BALANCER].one("BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": days})


def test_load_balancers_write_into_their_account_s_folder_and_do_nothing_else(run: Any, tier: str) -> None:
    statements = json.loads(run.one("BucketPolicy").inputs["policy"])["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert allowed["Action"] == "s3:PutObject"
    bucket = f"arn:aws:s3:::ils-{tier}-alb-logs-123456789012-us-east-1"
    assert allowed["Resource"] == f"{bucket}/AWSLogs/123456789012/*"


def test_the_bucket_takes_no_request_in_the_clear(run: Any) -> None:
    statements = json.loads(run.one("BucketPolicy").inputs["policy"])["Statement"]
    (denied,) = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Action"]) == ("*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_logs_go_with_the_bucket_except_in_production(run: Any, tier: str) -> None:
    assert run.one("Bucket").inputs["forceDestroy"] is (tier != "production")
