"""Providers for regions beside the environment's own."""

from __future__ import annotations

from ils_pipelines.settings.account import MAX_ATTEMPTS
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.stacks import aws


def provider_in(name: str, environment: Environment, region: str) -> aws.Provider:
    """A provider of the same account in `region`.

    Providers that a program declares take nothing over from the default one: what says which account is meant, and as whom
    it is entered, is said again (as `AwsTarget.provider_config` says it for the default one).
    """
    account = environment.aws
    if environment.target is TargetKind.SANDBOX:
        return aws.Provider(name, region=region)
    role = aws.ProviderAssumeRoleArgs(
        role_arn=account.assume_role,
        session_name=account.session_name,
        duration=f"{account.session_minutes}m",
        external_id=account.external_id,
    )
    return aws.Provider(
        name,
        region=region,
        profile=account.profile,
        assume_roles=[role] if account.assume_role else None,
        allowed_account_ids=[account.account_id] if account.account_id else None,
        retry_mode="adaptive",
        max_retries=MAX_ATTEMPTS,
    )
