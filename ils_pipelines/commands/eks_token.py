"""`ils eks-token`: a token for a cluster's API, as programs that run an exec plugin expect it."""

from __future__ import annotations

import os

from ils_pipelines.commands.output import ExitCode, print_json
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.eks import bearer_token
from ils_pipelines.targets.errors import TargetUnavailable
from ils_pipelines.targets.kubeconfig import exec_credential
from ils_pipelines.targets.sessions import Clients

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def eks_token(cluster: str, *, environment: str | None) -> ExitCode:
    """Print the token. Asks AWS for nothing, except to assume a role where the environment's file names one.

    Raises an `IlsError`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        token = bearer_token(_sts(environment), cluster)
    except (BotoCoreError, ClientError) as error:
        raise TargetUnavailable(
            f"expected AWS credentials to sign a token for {cluster} with, found none that can be used ({error}). "
            "Log in again, or look with: ils doctor"
        ) from error
    print_json(exec_credential(token))
    return ExitCode.SUCCESS


def _sts(environment: str | None) -> object:
    """An STS client: with the credentials of the environment's file, else with whatever this shell has."""
    if environment is not None:
        return open_target(load_environment(environment)).client("sts")
    region = next((os.environ[name] for name in REGION_VARIABLES if os.environ.get(name)), None)
    if region is None:
        raise TargetUnavailable(
            "a token is signed for one region: expected --environment or AWS_REGION, found neither. "
            "Name the environment: ils eks-token CLUSTER --environment ENV"
        )
    return Clients(region=region).client("sts")
