"""Load balancers and their certificates, where the sandbox does what moto leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import AwsServer, Network

SLOW = {"latency_seconds": 0, "seconds_per_minute": 60}
REDIRECT = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}


@pytest.fixture
def balancer(aws: AwsServer, network: Network, name: str) -> str:
    answer = aws.client("elbv2").create_load_balancer(
        Name=name, Subnets=list(network.subnets), SecurityGroups=[network.group]
    )
    return str(answer["LoadBalancers"][0]["LoadBalancerArn"])


def attributes(aws: AwsServer, balancer: str) -> dict[str, str]:
    answer = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer)
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


def change(aws: AwsServer, balancer: str, **values: str) -> None:
    pairs = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
    aws.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=pairs)


def listen(aws: AwsServer, balancer: str, **more: Any) -> dict[str, Any]:
    settings = {"Protocol": "HTTP", "Port": 80, "DefaultActions": [REDIRECT], **more}
    listener: dict[str, Any] = aws.client("elbv2").create_listener(LoadBalancerArn=balancer, **settings)["Listeners"][0]
    return listener


def target_groups(aws: AwsServer, network: Network, name: str) -> list[str]:
    made = [
        aws.client("elbv2").create_target_group(
            Name=f"{name}-{number}", Protocol="HTTP", Port=5000, VpcId=network.vpc, TargetType="ip"
        )
        for number in range(2)
    ]
    return [each["TargetGroups"][0]["TargetGroupArn"] for each in made]


def certificate(aws: AwsServer) -> str:
    answer = aws.client("acm").request_certificate(
        DomainName="ils.example.com", ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1"
    )
    return str(answer["CertificateArn"])


def described(aws: AwsServer, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    return found


def test_a_load_balancer_is_provisioning_until_its_time_is_over(aws: AwsServer, network: Network, name: str) -> None:
    aws.control("PUT", "settings", SLOW)
    elb = aws.client("elbv2")
    arn = elb.create_load_balancer(Name=name, Subnets=list(network.subnets))["LoadBalancers"][0]["LoadBalancerArn"]
    states = [elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]]
    aws.control("PUT", "settings", {"latency_seconds": 0, "seconds_per_minute": 0})
    states += [elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]]
    assert states == ["provisioning", "active"]


def test_a_new_load_balancer_has_the_attributes_of_aws(aws: AwsServer, balancer: str) -> None:
    found = attributes(aws, balancer)
    assert found["routing.http.desync_mitigation_mode"] == "defensive"
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert found["access_logs.s3.enabled"] == "false"
    assert found["idle_timeout.timeout_seconds"] == "60"


def test_a_protected_load_balancer_is_not_deleted(aws: AwsServer, balancer: str) -> None:
    change(aws, balancer, deletion_protection__enabled="true")
    with pytest.raises(ClientError, match=r"OperationNotPermitted.*deletion protection"):
        aws.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer)
    change(aws, balancer, deletion_protection__enabled="false")
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer)
    with pytest.raises(ClientError, match="LoadBalancerNotFound"):
        aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[balancer])


def test_access_logs_need_a_bucket_whose_policy_lets_them_in(aws: AwsServer, balancer: str, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket=name)
    with pytest.raises(ClientError, match="Access Denied for bucket"):
        change(aws, balancer, access_logs__s3__enabled="true", access_logs__s3__bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy='{"Version": "2012-10-17", "Statement": []}')
    change(aws, balancer, access_logs__s3__enabled="true", access_logs__s3__bucket=name)
    assert attributes(aws, balancer)["access_logs.s3.bucket"] == name


def test_a_redirect_keeps_what_it_does_not_change(aws: AwsServer, balancer: str) -> None:
    action = listen(aws, balancer)["DefaultActions"][0]
    assert action["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "StatusCode": "HTTP_301",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Port": "#{port}",
        "Query": "#{query}",
    }


def test_a_port_has_one_listener(aws: AwsServer, balancer: str) -> None:
    listen(aws, balancer)
    with pytest.raises(ClientError, match="DuplicateListener"):
        listen(aws, balancer)


def test_a_listener_takes_a_certificate_once_it_is_issued(aws: AwsServer, balancer: str) -> None:
    aws.control("PUT", "settings", SLOW)
    arn = certificate(aws)
    secure = {"Protocol": "HTTPS", "Port": 443, "Certificates": [{"CertificateArn": arn}]}
    with pytest.raises(ClientError, match="UnsupportedCertificate"):
        listen(aws, balancer, **secure)
    aws.control("PUT", "settings", {"latency_seconds": 0, "seconds_per_minute": 0})
    assert listen(aws, balancer, **secure)["Certificates"] == [{"CertificateArn": arn}]


def test_a_certificate_is_pending_until_its_time_is_over(aws: AwsServer) -> None:
    aws.control("PUT", "settings", SLOW)
    arn = certificate(aws)
    pending = described(aws, arn)
    aws.control("PUT", "settings", {"latency_seconds": 0, "seconds_per_minute": 0})
    issued = described(aws, arn)
    assert (pending["Status"], "NotAfter" in pending) == ("PENDING_VALIDATION", False)
    assert (issued["Status"], issued["KeyAlgorithm"]) == ("ISSUED", "EC_prime256v1")
    assert (issued["NotAfter"] - issued["NotBefore"]).days == 198


def test_a_certificate_in_use_says_by_what_and_is_not_deleted(aws: AwsServer, balancer: str) -> None:
    arn = certificate(aws)
    listen(aws, balancer, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": arn}])
    assert described(aws, arn)["InUseBy"] == [balancer]
    assert described(aws, arn)["RenewalEligibility"] == "ELIGIBLE"
    with pytest.raises(ClientError, match="ResourceInUseException"):
        aws.client("acm").delete_certificate(CertificateArn=arn)


def test_targets_of_a_group_that_no_listener_forwards_to_are_not_used(
    aws: AwsServer, balancer: str, network: Network, name: str
) -> None:
    elb = aws.client("elbv2")
    made = elb.create_target_group(Name=name, Protocol="HTTP", Port=5000, VpcId=network.vpc, TargetType="ip")
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.11.9", "Port": 5000}])

    def health() -> tuple[str, str | None]:
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
        return found["State"], found.get("Reason")

    assert health() == ("unused", "Target.NotInUse")
    listener = listen(aws, balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["ListenerArn"]
    assert health()[0] == "healthy"
    elb.delete_listener(ListenerArn=listener)
    assert health() == ("unused", "Target.NotInUse")


def test_subnets_and_groups_of_a_load_balancer_stay(aws: AwsServer, balancer: str, network: Network) -> None:
    ec2 = aws.client("ec2")
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=network.subnets[0])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=network.group)
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer)
    ec2.delete_subnet(SubnetId=network.subnets[0])
    ec2.delete_security_group(GroupId=network.group)


def test_a_listener_holds_the_weights_of_several_groups(
    aws: AwsServer, network: Network, balancer: str, name: str
) -> None:
    elb = aws.client("elbv2")
    groups = target_groups(aws, network, name)
    weights = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(groups, (90, 10), strict=True)]
    listener = listen(aws, balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": groups[0]}])

    forward = {"TargetGroups": weights, "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}
    action = {"Type": "forward", "ForwardConfig": forward}
    elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[action])

    (found,) = elb.describe_listeners(ListenerArns=[listener["ListenerArn"]])["Listeners"][0]["DefaultActions"]
    assert found["ForwardConfig"] == forward


def test_groups_with_sticky_targets_are_weighted_only_with_stickiness_among_them(
    aws: AwsServer, network: Network, balancer: str, name: str
) -> None:
    elb = aws.client("elbv2")
    groups = target_groups(aws, network, name)
    pairs = [{"Key": "stickiness.enabled", "Value": "true"}, {"Key": "stickiness.type", "Value": "lb_cookie"}]
    elb.modify_target_group_attributes(TargetGroupArn=groups[1], Attributes=pairs)
    listener = listen(aws, balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": groups[0]}])

    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn} for arn in groups]}}
    with pytest.raises(ClientError, match="must enable group stickiness"):
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[action])
