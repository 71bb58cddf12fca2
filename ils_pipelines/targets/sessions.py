"""The one place where boto3 sessions and clients are made."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
MAX_ATTEMPTS = 8
MAX_CONNECTIONS = 50
"""Connections one client keeps open. Layers and their resources are worked on side by side; boto3's own limit is 10."""


@dataclass(frozen=True)
class AccessKey:
    """Credentials given outright. An AWS account uses the standard chain (environment, profile, role) instead."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


class Clients:
    """boto3 clients of one account, each made once per service and region. May be used from several threads.

    Making a client takes 20 to 80 ms and is not safe from several threads at once; using one is.
    """

    def __init__(self, *, region: str, endpoint: str | None = None, access_key: AccessKey | None = None) -> None:
        """`endpoint` stands for every service's own; `access_key` for the standard chain of credentials."""
        self._region = region
        self._endpoint = endpoint
        self._access_key = access_key
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, *, region: str | None = None) -> Any:
        """The client of `service`, in the account's region unless another is given."""
        key = (service, region or self._region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def _make(self, service: str, region: str) -> Any:
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.Session(
                aws_access_key_id=self._access_key.access_key_id if self._access_key else None,
                aws_secret_access_key=self._access_key.secret_access_key if self._access_key else None,
                region_name=self._region,
            )
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            config=Config(
                # Adaptive: slows down by itself when AWS throttles, which a parallel apply makes it do.
                retries={"mode": "adaptive", "total_max_attempts": MAX_ATTEMPTS},
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                max_pool_connections=MAX_CONNECTIONS,
                user_agent_extra="ils-pipelines",
            ),
        )
