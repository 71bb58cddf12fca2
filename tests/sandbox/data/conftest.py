"""One sandbox for each worker, with real databases and caches behind its RDS and ElastiCache."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import valkey

from ils_pipelines.operations.access.cache import CacheAccess
from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin
from ils_sandbox import server
from ils_sandbox.state import SandboxState

REGION, OTHER_REGION = "eu-central-1", "eu-west-1"
LOGIN = DatabaseLogin("ils_admin", "correct-horse-battery")
TOKEN = "a-token-of-sixteen-or-more"


class Site:
    """A running sandbox, and short ways to do and to see things in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def state(self) -> SandboxState:
        state = SandboxState.load(self.directory)
        assert state is not None
        return state

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.state.aws.endpoint,
            region_name=region,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def make_database(self, name: str, **more: Any) -> DatabaseAccess:
        self.client("rds").create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            DatabaseName="ilsdb",
            MasterUsername=LOGIN.user,
            **{"MasterUserPassword": LOGIN.password, **more},
        )
        return self.database(name)

    def cluster(self, name: str, region: str = REGION) -> dict[str, Any]:
        found: dict[str, Any] = self.client("rds", region).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][
            0
        ]
        return found

    def database(
        self, name: str, *, login: DatabaseLogin = LOGIN, endpoint: str = "Endpoint", region: str = REGION
    ) -> DatabaseAccess:
        """The way into a cluster, once it is available."""
        until(lambda: self.cluster(name, region)["Status"] == "available", f"cluster {name} is available")
        found = self.cluster(name, region)
        return DatabaseAccess(found[endpoint], found["Port"], "ilsdb", login, self.state.data.ca_file)

    def snapshot(self, cluster: str, name: str) -> None:
        """Take a snapshot, and wait for it."""
        rds = self.client("rds")
        rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=name)
        self.await_snapshot(name)

    def await_snapshot(self, name: str, region: str = REGION) -> None:
        rds = self.client("rds", region)

        def available() -> bool:
            found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"][0]
            assert found["Status"] != "failed"
            return bool(found["Status"] == "available")

        until(available, f"snapshot {name} is available")

    def make_cache(self, name: str, **more: Any) -> CacheAccess:
        self.client("elasticache").create_replication_group(
            ReplicationGroupId=name,
            ReplicationGroupDescription="d",
            **{"Engine": "valkey", "TransitEncryptionEnabled": True, "AuthToken": TOKEN, **more},
        )
        return self.cache(name)

    def group(self, name: str) -> dict[str, Any]:
        groups = self.client("elasticache").describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
        found: dict[str, Any] = groups[0]
        return found

    def cache(self, name: str, token: str = TOKEN) -> CacheAccess:
        """The way into a replication group, once it is available."""
        until(lambda: self.group(name)["Status"] == "available", f"group {name} is available")
        endpoint = self.group(name)["NodeGroups"][0]["PrimaryEndpoint"]
        return CacheAccess(endpoint["Address"], endpoint["Port"], token, self.state.data.ca_file)


def until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("data")
    server.start(directory, kubernetes=False)
    yield Site(directory)
    server.stop(directory)


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def orders(site: Site) -> DatabaseAccess:
    """A database with a table that tests look at and leave as it is; the name of its cluster is `orders`."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    access = site.make_database(name)
    with access.connect(autocommit=True) as session:
        session.execute("CREATE TABLE orders (id int PRIMARY KEY, lens text NOT NULL)")
        session.execute("INSERT INTO orders SELECT n, 'lens ' || n FROM generate_series(1, 1000) n")
    return access


def refused(connect: Callable[[], Any]) -> str:
    """Why nobody is let in; fails when somebody is."""
    try:
        connect()
    except (psycopg.OperationalError, valkey.ValkeyError) as error:
        return str(error)
    pytest.fail("somebody was let in")
