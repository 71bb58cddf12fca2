"""Who may use the Kubernetes API of an environment, beside whoever made its cluster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import repeated, rule
from ils_pipelines.settings.section import DnsLabel, Section, text


class AccessPolicy(StrEnum):
    """What EKS lets a principal do, from least to most."""

    VIEW = "view"
    """Reads most objects; no Secrets."""
    ADMIN_VIEW = "admin_view"
    """Reads everything, Secrets included."""
    EDIT = "edit"
    """Changes workloads, and reads Secrets."""
    ADMIN = "admin"
    """Everything in namespaces, roles included."""
    CLUSTER_ADMIN = "cluster_admin"
    """Everything."""


PrincipalArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+",
        "is not the ARN of an IAM role or user",
        'Write for example "arn:aws:iam::123456789012:role/ils-engineers"; of an assumed role, the role itself.',
    ),
    text(
        r"(?!.*:role/aws-service-role/).*",
        "is a service-linked role, for which EKS makes no access entry",
        "Name the role that people or pipelines assume.",
    ),
]


KubernetesGroup = Annotated[
    str,
    text(
        r"(?!(system|eks|aws|amazon|iam):)[A-Za-z0-9][A-Za-z0-9:._-]*",
        "is not a group that EKS lets an access entry have",
        'Use letters, digits and any of :._-, not beginning with system:, eks:, aws:, amazon: or iam:, as "ils:costs".',
        63,
    ),
]


class Grant(Section):
    """One access policy, everywhere or in some namespaces."""

    policy: AccessPolicy = Field(description="What the principal may do.", examples=["view"])
    namespaces: tuple[DnsLabel, ...] = Field(default=(), description="Where; empty means in the whole cluster.")


class Access(Section):
    """What one IAM principal may do with the Kubernetes API."""

    name: DnsLabel = Field(description="Who that is, in a word.", examples=["engineers"])
    principal_arn: PrincipalArn = Field(
        description="IAM role or user, which must exist.", examples=["arn:aws:iam::123456789012:role/ils-engineers"]
    )
    grants: tuple[Grant, ...] = Field(
        default=(), description="The access policies of EKS.", examples=[[{"policy": "view"}]]
    )
    groups: tuple[KubernetesGroup, ...] = Field(
        default=(), description="Groups to which roles of the cluster are bound.", examples=[["ils:certificates"]]
    )


@rule(Access, "grants", "groups")
def _allows_something(access: Access, _today: date) -> Iterator[Finding]:
    if not access.grants and not access.groups:
        yield Finding(
            ("grants",),
            "[]",
            "lets the principal in and allows it nothing",
            "Write grants of EKS's policies, groups that roles of the cluster are bound to, or no entry.",
        )


@rule(Access, "grants")
def _unique_policies(access: Access, _today: date) -> Iterator[Finding]:
    for index in repeated(grant.policy for grant in access.grants):
        yield Finding(
            ("grants", index, "policy"),
            access.grants[index].policy.value,
            "is granted to this principal twice, of which EKS keeps one",
            "Name all its namespaces in one grant.",
        )


def unique_access(accesses: tuple[Access, ...]) -> Iterator[Finding]:
    """A finding for each name or principal that is there twice, located from the list's own section."""
    for field in ("name", "principal_arn"):
        values = [str(getattr(access, field)) for access in accesses]
        for index in repeated(values):
            yield Finding(
                ("access", index, field),
                values[index],
                "is in another entry of this list too",
                "Give every principal one entry, with a name of its own and all its grants.",
            )
