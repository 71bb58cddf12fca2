"""The way into an Aurora cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.errors import IlsError

if TYPE_CHECKING:
    import psycopg

    from ils_pipelines.targets.protocol import Target

CONNECT_TIMEOUT_SECONDS = 60
"""A failover takes about half of it."""

# libpq's name of a parameter -> of the variable that stands for it.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


class NoAccess(IlsError):
    """There is no way in."""


@dataclass(frozen=True)
class DatabaseLogin:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DatabaseAccess:
    """Everything that a PostgreSQL client needs. TLS always, and never with a server that cannot say who it is."""

    host: str
    port: int
    database: str
    login: DatabaseLogin
    authorities: Path
    """PEM file."""

    def parameters(self) -> dict[str, str]:
        """For libpq, by the names of its connection parameters; the password among them."""
        return {
            "host": self.host,
            "port": str(self.port),
            "dbname": self.database,
            "user": self.login.user,
            "password": self.login.password,
            "sslmode": "verify-full",
            "sslrootcert": str(self.authorities),
            "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
        }

    def environment(self) -> dict[str, str]:
        """For `pg_dump` and the like: a password in the arguments could be read by everybody on the machine."""
        return {_VARIABLES[name]: value for name, value in self.parameters().items()}

    def connect(self, **more: Any) -> psycopg.Connection[Any]:
        """A session. Raises psycopg.OperationalError."""
        from psycopg import connect
        from psycopg.conninfo import make_conninfo

        return connect(make_conninfo("", **self.parameters()), **more)


def database_access(
    target: Target, cluster: str, *, login: DatabaseLogin | None = None, region: str | None = None
) -> DatabaseAccess:
    """The way into the cluster of that name, as its administrator unless another login is given.

    Raises `NoAccess` when the password is in no secret, as that of a cluster that was restored; botocore's ClientError.
    """
    rds = target.client("rds", region=region)
    found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
    return DatabaseAccess(
        host=found["Endpoint"],
        port=found["Port"],
        database=found.get("DatabaseName") or "postgres",
        login=login or _managed_login(target, found, region),
        authorities=target.data_authorities(),
    )


def _managed_login(target: Target, cluster: dict[str, Any], region: str | None) -> DatabaseLogin:
    secret = cluster.get("MasterUserSecret")
    if secret is None:
        raise NoAccess(
            f"RDS manages no password of {cluster['DBClusterIdentifier']}, so there is none in Secrets Manager. Give a "
            "login, or let RDS manage it: aws rds modify-db-cluster --manage-master-user-password"
        )
    answer = target.client("secretsmanager", region=region).get_secret_value(SecretId=secret["SecretArn"])
    value = json.loads(answer["SecretString"])
    return DatabaseLogin(value["username"], value["password"])
