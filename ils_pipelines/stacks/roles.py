"""IAM roles that one AWS service assumes, with policies AWS maintains."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.naming import Naming


@dataclass(frozen=True)
class ServiceRoleArgs:
    """What a role needs."""

    naming: Naming
    purpose: str
    """Last part of the role's name `ils-<environment>-<purpose>`."""
    service: str
    """Who assumes it, e.g. `eks.amazonaws.com`."""
    description: str
    partition: str
    managed_policies: tuple[str, ...]


class ServiceRole(pulumi.ComponentResource):
    """A role; depend on the component, not on `arn`, where the policies must be in force."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:iam:ServiceRole", name, None, opts)
        full_name = args.naming.name(args.purpose)
        role = aws.iam.Role(
            name,
            name=full_name,
            description=args.description,
            assume_role_policy=policies.assumable_by(args.service),
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for policy in args.managed_policies:
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=policies.managed_policy(args.partition, policy),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})
