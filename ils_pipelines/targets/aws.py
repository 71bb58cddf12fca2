"""The target of environments that live in an AWS account."""

from __future__ import annotations

import json
import os
import shutil
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.settings.account import MAX_ATTEMPTS
from ils_pipelines.targets.account import Caller, caller_identity
from ils_pipelines.targets.eks import api_client, bearer_token, cluster_access
from ils_pipelines.targets.errors import TargetUnavailable, WrongAccount
from ils_pipelines.targets.sessions import AssumedRole, Clients, Login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ils_pipelines.engine.protocol import Engine
    from ils_pipelines.engine.pulumi import PulumiEngine
    from ils_pipelines.settings.account import AwsAccount
    from ils_pipelines.settings.environment import Environment

AUTHORITIES_VARIABLE = "ILS_DATA_AUTHORITIES"


class AwsTarget:
    """One AWS account and region, as the environment's file names them."""

    name = "aws"
    load_balancer_listens = True

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lock = threading.RLock()
        self._clients: Clients | None = None
        self._state_clients: Clients | None = None
        self._engine: PulumiEngine | None = None

    @property
    def environment(self) -> Environment:
        return self._environment

    def preflight(self) -> None:
        """Ask STS who we are. Raises `TargetUnavailable`; `WrongAccount` when it is not the account of the file."""
        self.check_account(self.caller())

    def check_account(self, caller: Caller) -> None:
        """Raise `WrongAccount` unless `caller` is of the account that the file names."""
        expected = self._environment.aws.account_id
        if caller.account_id != expected:
            raise WrongAccount(self._environment.name, expected or "", caller.account_id, caller.arn)

    def caller(self) -> Caller:
        """Who the calls of this target are made as. Raises `TargetUnavailable`, which says what to do about it."""
        return caller_identity(self.client, self._environment.aws)

    def engine(self) -> Engine:
        """The real Pulumi. Loads its libraries; reaches out to nothing."""
        with self._lock:
            if self._engine is None:
                from ils_pipelines.engine.pulumi import PulumiEngine
                from ils_pipelines.targets.finding import AwsFinder

                account = self._environment.aws
                self._engine = PulumiEngine(
                    self._environment.engine,
                    config={f"aws:{key}": value for key, value in self.provider_config(account.region).items()},
                    environment={} if account.profile is None else {"AWS_PROFILE": account.profile},
                    client=self._backend_client,
                    finder=AwsFinder(self.client),
                )
            return self._engine

    def state_client(self, service: str, *, region: str | None = None) -> Any:
        """A boto3 client for what Pulumi keeps its state in, with the credentials that Pulumi uses for it.

        Those of the profile or the standard chain, not of the role: Pulumi itself takes on no role, its provider does.
        """
        with self._lock:
            if self._state_clients is None:
                account = self._environment.aws
                self._state_clients = Clients(region=account.region, login=Login(profile=account.profile))
            return self._state_clients.client(service, region=region)

    def _backend_client(self, service: str, parameters: Mapping[str, str]) -> Any:
        """The client for a state whose URL has these parameters."""
        if "endpoint" not in parameters:
            return self.state_client(service, region=parameters.get("region"))
        account = self._environment.aws
        region, endpoint = parameters.get("region", account.region), parameters["endpoint"]
        return Clients(region=region, endpoint=endpoint, login=Login(profile=account.profile)).client(service)

    def client(self, service: str, *, region: str | None = None, hurried: bool = False) -> Any:
        with self._lock:
            if self._clients is None:
                self._clients = Clients(region=self._environment.aws.region, login=login_of(self._environment.aws))
            return self._clients.client(service, region=region, hurried=hurried)

    def provider_config(self, region: str) -> dict[str, str]:
        """The same credentials for Pulumi's provider, which refuses other accounts by itself too.

        Lists are JSON, as Pulumi's configuration has them.
        """
        account = self._environment.aws
        config = {"region": region, "retryMode": "adaptive", "maxRetries": str(MAX_ATTEMPTS)}
        if account.account_id is not None:
            config["allowedAccountIds"] = json.dumps([account.account_id])
        if account.profile is not None:
            config["profile"] = account.profile
        if account.assume_role is not None:
            role = {
                "roleArn": account.assume_role,
                "sessionName": account.session_name,
                "duration": f"{account.session_minutes}m",
            }
            if account.external_id is not None:
                role["externalId"] = account.external_id
            config["assumeRoles"] = json.dumps([role])
        return config

    def data_authorities(self) -> Path:
        """The file that `ILS_DATA_AUTHORITIES` names: no machine knows the authorities of RDS by itself."""
        named = os.environ.get(AUTHORITIES_VARIABLE)
        if named and Path(named).is_file():
            return Path(named)
        raise TargetUnavailable(
            f"{AUTHORITIES_VARIABLE} should name the PEM file of the authorities of RDS and ElastiCache, found "
            f"{named or 'nothing'}. Put https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and the roots of "
            "https://www.amazontrust.com/repository/ into one file."
        )

    def postgres_program(self, name: str) -> tuple[str, Mapping[str, str]]:
        found = shutil.which(name)
        if found is None:
            raise TargetUnavailable(
                f"expected the program {name} on the path of this machine, found none. Install PostgreSQL's client programs, "
                "of the database's major version or a later one."
            )
        return found, {}

    def kubernetes(self, cluster: str, *, region: str | None = None) -> Any:
        access = cluster_access(self.client("eks", region=region), cluster)
        return api_client(access, lambda: bearer_token(self.client("sts", region=region), cluster))


def login_of(account: AwsAccount) -> Login:
    """Whose credentials an environment's file says to use."""
    if account.assume_role is None:
        return Login(profile=account.profile)
    role = AssumedRole(
        account.assume_role,
        account.session_name,
        account.external_id,
        timedelta(minutes=account.session_minutes),
    )
    return Login(profile=account.profile, role=role)
