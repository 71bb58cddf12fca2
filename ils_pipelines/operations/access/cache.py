"""The way into an ElastiCache replication group."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import valkey

    from ils_pipelines.targets.protocol import Target

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class CacheAccess:
    """Everything that a client of Redis or Valkey needs. TLS always, the server's certificate verified."""

    host: str
    port: int
    token: str = field(repr=False)
    authorities: Path
    """PEM file."""

    def connect(self, database: int = 0) -> valkey.Valkey:
        """A client of one of the databases, which connects when it is first used and then raises valkey.ConnectionError."""
        import valkey

        return valkey.Valkey(
            host=self.host,
            port=self.port,
            db=database,
            password=self.token,
            ssl=True,
            ssl_ca_certs=str(self.authorities),
            ssl_check_hostname=True,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
        )


def cache_access(target: Target, group: str, token_secret: str, *, region: str | None = None) -> CacheAccess:
    """The way into the replication group of that name, by the auth token in the secret of that ARN.

    Raises botocore's ClientError.
    """
    client = target.client("elasticache", region=region)
    found = client.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"][0]
    endpoint = found.get("ConfigurationEndpoint") or found["NodeGroups"][0]["PrimaryEndpoint"]
    secret = target.client("secretsmanager", region=region).get_secret_value(SecretId=token_secret)
    return CacheAccess(endpoint["Address"], endpoint["Port"], secret["SecretString"], target.data_authorities())
