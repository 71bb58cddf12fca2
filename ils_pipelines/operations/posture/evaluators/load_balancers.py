"""Application load balancers and their listeners."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.network import vpc_ids
from ils_pipelines.operations.posture.models import Observation

_TLS_1_2 = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-")
"""Predefined policies whose oldest version is TLS 1.2; note `TLS13-1-0`, which still takes TLS 1.0."""
_DESYNC_MODES = {"defensive", "strictest"}


def tls_policy(live: Live) -> Iterator[Observation]:
    for name, listener in _listeners(live):
        if listener["Protocol"] in {"HTTPS", "TLS"}:
            policy = listener.get("SslPolicy", "")
            yield Observation(name, "TLS 1.2 or newer only", policy, bool(_TLS_1_2.match(policy)))


def redirect(live: Live) -> Iterator[Observation]:
    for name, listener in _listeners(live):
        if listener["Protocol"] == "HTTP":
            actions = listener.get("DefaultActions", ())
            redirects = [
                each.get("RedirectConfig", {}).get("Protocol") for each in actions if each["Type"] == "redirect"
            ]
            found = ", ".join(each["Type"] for each in actions)
            yield Observation(name, "a redirect to HTTPS", found, "HTTPS" in redirects)


def access_logs(live: Live) -> Iterator[Observation]:
    yield from _attribute(live, "access_logs.s3.enabled", {"true"})


def invalid_headers(live: Live) -> Iterator[Observation]:
    yield from _attribute(live, "routing.http.drop_invalid_header_fields.enabled", {"true"})


def desync(live: Live) -> Iterator[Observation]:
    # Defensive is what AWS sets when nothing is said.
    yield from _attribute(live, "routing.http.desync_mitigation_mode", _DESYNC_MODES, default="defensive")


def deletion_protection(live: Live) -> Iterator[Observation]:
    yield from _attribute(live, "deletion_protection.enabled", {"true"})


def waf(live: Live) -> Iterator[Observation]:
    for name, balancer in load_balancers(live):
        answer = live.find("wafv2", "get_web_acl_for_resource", ResourceArn=balancer["LoadBalancerArn"])
        acl = (answer or {}).get("WebACL")
        yield Observation(name, "a WAF web ACL", acl["Name"] if acl else "none", acl is not None)


def load_balancers(live: Live) -> Iterator[tuple[str, Record]]:
    """Name and description of each load balancer of the environment: those of its name and those in its VPC."""
    for balancer in live.list("elbv2", "describe_load_balancers", "LoadBalancers"):
        if live.scope.owns_name(balancer["LoadBalancerName"]) or balancer.get("VpcId") in vpc_ids(live):
            yield f"load balancer {balancer['LoadBalancerName']}", balancer


def certificate_arns(live: Live) -> set[str]:
    """Certificates that the listeners serve."""
    return {each["CertificateArn"] for _, listener in _listeners(live) for each in listener.get("Certificates", ())}


def _listeners(live: Live) -> Iterator[tuple[str, Record]]:
    for name, balancer in load_balancers(live):
        arn = balancer["LoadBalancerArn"]
        for listener in live.list("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
            yield f"{name} listener {listener['Port']}", listener


def _attribute(live: Live, key: str, wanted: set[str], default: str = "not set") -> Iterator[Observation]:
    for name, balancer in load_balancers(live):
        arn = balancer["LoadBalancerArn"]
        attributes = live.list("elbv2", "describe_load_balancer_attributes", "Attributes", LoadBalancerArn=arn)
        value = next((each["Value"] for each in attributes if each["Key"] == key), default)
        yield Observation(name, f"{key} = {' or '.join(sorted(wanted))}", value, value in wanted)
