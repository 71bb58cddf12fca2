"""AWS roles of service accounts that do not belong to the application: of Dagster's own, where it runs in the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ils_pipelines.settings.backup import backup_namespace
from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import repeated
from ils_pipelines.settings.section import DnsLabel, Flag, Section, text

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

ROLE_PREFIX = "pods"
"""Second part of their roles' names: no role of a layer's own is called so."""

# One of these gives away every other permission, or the account itself.
_OTHERS_TO_GIVE = ("account", "iam", "organizations", "sso", "sso-admin")

Action = Annotated[
    str,
    text(
        r"[a-z0-9-]+:[A-Z][A-Za-z0-9]*\*?",
        "is not an action of an AWS service",
        'Write service and action, as "s3:GetObject"; a "*" may stand at its end, never for all actions.',
    ),
    text(
        rf"(?!({'|'.join(_OTHERS_TO_GIVE)}):).*",
        "lets pods give themselves other permissions",
        "Leave permissions, accounts and sign-in to people.",
    ),
    text(
        r"(?!sts:)(.*)|sts:(AssumeRole|GetCallerIdentity)",
        "is more of STS than pods need",
        'Write "sts:AssumeRole", and the roles among the resources.',
    ),
]
ResourceArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:[A-Za-z0-9_][^\s]*",
        "is not the ARN of a resource",
        'Write for example "arn:aws:s3:::a-bucket/*"; service, region and account in full, "*" only within the name.',
    ),
]


# IAM takes 64 characters; `ils-`, an environment's name of 20 and the prefix are before it.
_SHORT = text(r".*", "is too long for the name of a role", "Use 34 characters at most.", 34)


class Statement(Section):
    """What pods may do with some resources."""

    actions: Annotated[tuple[Action, ...], Field(min_length=1)] = Field(
        description="Actions of AWS.", examples=[["s3:GetObject"]]
    )
    resources: Annotated[tuple[ResourceArn, ...], Field(min_length=1)] = Field(
        description="The resources they are allowed on.", examples=[["arn:aws:s3:::a-bucket/*"]]
    )
    conditions: dict[str, dict[str, str | tuple[str, ...]]] = Field(
        default_factory=dict,
        description="When: by operator of IAM, the values that each condition key may have.",
        examples=[{"StringEquals": {"aws:ResourceTag/environment": "platform"}}],
    )


class PodIdentitySettings(Section):
    """The AWS role of one service account, by EKS Pod Identity: `ils-<environment>-pods-<name>`."""

    name: Annotated[DnsLabel, _SHORT] = Field(description="Last part of the role's name.", examples=["dagster"])
    namespace: DnsLabel = Field(description="Namespace of the service account.", examples=["dagster"])
    service_account: DnsLabel = Field(description="Name of the service account.", examples=["dagster"])
    allows: Annotated[tuple[Statement, ...], Field(min_length=1)] = Field(
        description="What pods of the account may do in AWS, and nothing else.",
        examples=[[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::a-bucket/*"]}]],
    )
    session_tags: Flag = Field(
        default=True,
        description="Whether sessions carry cluster, namespace and account as tags, by which the role knows them; off for "
        "pods that take on other roles, into which the tags would go along.",
    )


def unique_identities(identities: tuple[PodIdentitySettings, ...]) -> Iterator[Finding]:
    """A finding for each name or service account that is there twice, located from the list's own section."""
    for index in repeated(identity.name for identity in identities):
        yield Finding(
            ("pod_identities", index, "name"),
            identities[index].name,
            "is the name of another entry of this list too",
            "Give every entry a name of its own.",
        )
    for index in repeated((identity.namespace, identity.service_account) for identity in identities):
        yield Finding(
            ("pod_identities", index, "service_account"),
            identities[index].service_account,
            "has a role by another entry of this list already, and EKS gives an account one",
            "Put all that it may do into one entry.",
        )


def roles_of_accounts_of_ours(environment: Environment, _today: date) -> Iterator[Finding]:
    """Layers give some service accounts their roles themselves."""
    ours = {environment.app.namespace, backup_namespace(environment.name), "kube-system"}
    for index, identity in enumerate(environment.cluster.pod_identities):
        if identity.namespace in ours:
            yield Finding(
                ("cluster", "pod_identities", index, "namespace"),
                identity.namespace,
                "is a namespace whose service accounts have their roles from the layers",
                "Use a namespace of its own.",
            )
