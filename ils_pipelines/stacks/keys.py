"""One KMS key with its alias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.encryption import Encryption
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.naming import Naming

Statements = Callable[[str], tuple[dict[str, Any], ...]]
"""What beside the account may use the key, given the account's id."""


@dataclass(frozen=True)
class EncryptionKeyArgs:
    """What a key needs."""

    naming: Naming
    account: AwsAccount
    encryption: Encryption
    account_id: pulumi.Output[str]
    purpose: str
    """What is encrypted: the last part of the alias `alias/ils-<environment>-<purpose>`."""
    description: str
    statements: Statements
    multi_region: bool = False
    """Whether it can have replicas in other regions, which decrypt what it encrypted."""


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key that rotates."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:encryption:Key", name, None, opts)
        full_name = args.naming.name(args.purpose)

        def policy(account_id: str) -> str:
            owner = policies.owned_by_account(args.account.partition, account_id)
            return policies.document(owner, *args.statements(account_id))

        key = aws.kms.Key(
            name,
            description=args.description,
            deletion_window_in_days=args.encryption.deletion_window_days,
            enable_key_rotation=True,
            multi_region=args.multi_region or None,
            rotation_period_in_days=args.encryption.rotation_period_days,
            policy=args.account_id.apply(policy),
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        aws.kms.Alias(
            name,
            name=f"alias/{full_name}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def current_account_id() -> pulumi.Output[str]:
    """The account the credentials belong to: one read-only call."""
    identity: pulumi.Output[Any] = aws.get_caller_identity_output()
    return identity.apply(lambda found: str(found.account_id))
