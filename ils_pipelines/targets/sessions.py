"""The one place where boto3 sessions and clients are made."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from ils_pipelines.settings.account import MAX_ATTEMPTS
from ils_pipelines.targets.errors import TargetUnavailable

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
HURRIED_SECONDS = 2
"""How long a call waits for what can be done without, connecting and reading each; it is tried once more."""
MAX_CONNECTIONS = 50
"""Connections one client keeps open. Layers and their resources are worked on side by side; boto3's own limit is 10."""


@dataclass(frozen=True)
class AccessKey:
    """Credentials given outright."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class AssumedRole:
    """A role that is taken on before any other call, and taken on again before its credentials end."""

    arn: str
    session_name: str
    """Stands in CloudTrail beside every call."""
    external_id: str | None = None
    duration: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Login:
    """Whose credentials are used: those of a profile, or what the standard chain finds, and a role on top of them.

    The standard chain is botocore's: environment variables, shared files, web identity, pod identity, instance.
    """

    profile: str | None = None
    role: AssumedRole | None = None
    access_key: AccessKey | None = None
    """Instead of the chain and the profile."""


class Clients:
    """boto3 clients of one account, each made once per service and region. May be used from several threads.

    Making a client takes 20 to 80 ms and is not safe from several threads at once; using one is.
    """

    def __init__(
        self,
        *,
        region: str,
        endpoint: str | None = None,
        access_key: AccessKey | None = None,
        login: Login | None = None,
    ) -> None:
        """`endpoint` stands for every service's own. `access_key` is short for a `login` that has nothing else."""
        self._region = region
        self._endpoint = endpoint
        self._login = login or Login(access_key=access_key)
        self._sessions: dict[bool, Any] = {}
        self._clients: dict[tuple[str, str, bool], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, *, region: str | None = None, hurried: bool = False) -> Any:
        """The client of `service`, in the account's region unless another is given; a `hurried` one gives up soon.

        Raises `TargetUnavailable` when the profile is not there or there are no credentials at all.
        """
        key = (service, region or self._region, hurried)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def _make(self, service: str, region: str, hurried: bool) -> Any:
        configuration = _configuration()
        if hurried:
            configuration = configuration.merge(_hurried())
        # Taking on a role is a call as well, which a session makes in its own time.
        apart = hurried and self._login.role is not None
        if apart not in self._sessions:
            self._sessions[apart] = _session(self._login, self._region, self._endpoint, configuration)
        return self._sessions[apart].client(
            service, region_name=region, endpoint_url=self._endpoint, config=configuration
        )


def _hurried() -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=HURRIED_SECONDS,
        read_timeout=HURRIED_SECONDS,
    )


def _configuration() -> Any:
    from botocore.config import Config

    return Config(
        # Adaptive: slows down by itself when AWS throttles, which a parallel apply makes it do.
        retries={"mode": "adaptive", "total_max_attempts": MAX_ATTEMPTS},
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        max_pool_connections=MAX_CONNECTIONS,
        user_agent_extra="ils-pipelines",
    )


def _session(login: Login, region: str, endpoint: str | None, configuration: Any) -> Any:
    import boto3
    from botocore.exceptions import ProfileNotFound

    try:
        session = boto3.Session(
            aws_access_key_id=login.access_key.access_key_id if login.access_key else None,
            aws_secret_access_key=login.access_key.secret_access_key if login.access_key else None,
            region_name=region,
            profile_name=login.profile,
        )
    except ProfileNotFound:
        raise TargetUnavailable(
            f"expected the AWS profile {login.profile!r} in the shared configuration of this machine, found none. "
            f"Make it with `aws configure --profile {login.profile}`, or name another one as aws.profile."
        ) from None
    if login.role is None:
        return session
    return _in_role(session, login.role, login.profile, region, endpoint, configuration)


def _in_role(
    session: Any, role: AssumedRole, profile: str | None, region: str, endpoint: str | None, configuration: Any
) -> Any:
    """A session with the credentials of `role`, which are asked for at the first call and anew before they end."""
    import boto3
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )
    from botocore.session import Session

    source = session.get_credentials()
    if source is None:
        raise TargetUnavailable(
            f"expected AWS credentials with which to assume {role.arn}, found none: no environment variables, profile, web "
            "identity or instance role. Log in (e.g. `aws sso login`), or name a profile as aws.profile."
        )
    arguments = {"RoleSessionName": role.session_name, "DurationSeconds": int(role.duration.total_seconds())}
    if role.external_id is not None:
        arguments["ExternalId"] = role.external_id
    # What else the profile says (endpoints, certificate bundle) holds for these sessions too.
    inner = Session(profile=profile)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(
            Session(profile=profile).create_client,
            region_name=region,
            endpoint_url=endpoint,
            config=configuration,
        ),
        source_credentials=source,
        role_arn=role.arn,
        extra_args=arguments,
    )

    class Role(CredentialProvider):  # type: ignore[misc]
        METHOD = "assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(method=self.METHOD, refresh_using=fetcher.fetch_credentials)

    inner.register_component("credential_provider", CredentialResolver([Role()]))
    return boto3.Session(botocore_session=inner, region_name=region)
