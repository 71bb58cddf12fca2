"""Rules over who and what reaches an environment: principals, the domain with its certificate, the web ACL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.pod_identities import roles_of_accounts_of_ours
from ils_pipelines.settings.problems import Finding, Severity
from ils_pipelines.settings.tiers import TargetKind

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment


def _creator_needs_no_entry(environment: Environment, _today: date) -> Iterator[Finding]:
    for index, access in enumerate(environment.cluster.access):
        if access.principal_arn == environment.aws.assume_role:
            yield Finding(
                ("cluster", "access", index, "principal_arn"),
                access.principal_arn,
                "is the role that makes the cluster (aws.assume_role), which EKS gives an entry by itself",
                "Leave it out: it is an administrator already.",
            )


def _roles_of_families_reach_the_cluster(environment: Environment, _today: date) -> Iterator[Finding]:
    """Every family of jobs looks into the cluster, or works in it."""
    known = {environment.aws.assume_role, *(access.principal_arn for access in environment.cluster.access)}
    for family, role in environment.aws.roles.items():
        if role not in known:
            group = f"ils:{family.value.replace('_', '-')}"
            yield Finding(
                ("aws", "roles", family.value),
                role,
                "may not use the Kubernetes API of the cluster: it is in no entry of cluster.access",
                f'Add an entry with this principal_arn and groups: ["{group}"] (deploy/kubernetes/families.yaml).',
                severity=Severity.WARNING,
            )


def _certificate_is_issued(environment: Environment, _today: date) -> Iterator[Finding]:
    """In AWS, a certificate waits for a record in DNS; in the sandbox nobody looks there unless a zone is given."""
    balancer = environment.load_balancer
    if environment.target is TargetKind.AWS and balancer.zone is None and balancer.certificate_arn is None:
        yield Finding(
            ("load_balancer", "zone"),
            None,
            f"is needed to prove to ACM whose {balancer.domain} is: without it, applying would wait for a person to make a "
            "record in DNS",
            "Name the Route 53 zone that holds the domain, or give the ARN of a certificate that was issued already "
            "(load_balancer.certificate_arn) and point the domain at the load balancer yourself.",
        )


def _same_region(environment: Environment, _today: date) -> Iterator[Finding]:
    for field in ("certificate_arn", "web_acl_arn"):
        arn = getattr(environment.load_balancer, field)
        if arn is not None and arn.split(":")[3] != environment.aws.region:
            yield Finding(
                ("load_balancer", field),
                arn,
                f"is not in {environment.aws.region}, where the load balancer is",
                f"Use one of that region, or change aws.region to {arn.split(':')[3]}.",
            )


def _waf_waiver_is_needed(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.load_balancer.web_acl_arn is None:
        return
    for index, waiver in enumerate(environment.posture_waivers):
        if waiver.control is ControlId.LOAD_BALANCER_WAF:
            yield Finding(
                ("posture_waivers", index, "control"),
                waiver.control.value,
                "is waived although load_balancer.web_acl_arn is set, so that nobody would hear of the web ACL being lost",
                "Remove the waiver.",
                severity=Severity.WARNING,
            )


# What each rule reads, so that it is skipped when that part of a file could not be understood.
ACCESS_RULES: tuple[tuple[tuple[str, ...], Callable[[Environment, date], Iterator[Finding]]], ...] = (
    (("aws.assume_role", "cluster.access"), _creator_needs_no_entry),
    (("aws.assume_role", "aws.roles", "cluster.access"), _roles_of_families_reach_the_cluster),
    (("name", "app.namespace", "cluster.pod_identities"), roles_of_accounts_of_ours),
    (
        ("target", "load_balancer.domain", "load_balancer.zone", "load_balancer.certificate_arn"),
        _certificate_is_issued,
    ),
    (("aws.region", "load_balancer.certificate_arn", "load_balancer.web_acl_arn"), _same_region),
    (("load_balancer.web_acl_arn", "posture_waivers"), _waf_waiver_is_needed),
)
