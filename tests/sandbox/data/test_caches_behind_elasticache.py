"""Behind an emulated replication group stands a Valkey, entered as ElastiCache is entered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import valkey

NEW_TOKEN = "another-token-of-sixteen"


def _change_token(site: Any, name: str, strategy: str, token: str | None = NEW_TOKEN) -> None:
    site.client("elasticache").modify_replication_group(
        ReplicationGroupId=name,
        AuthTokenUpdateStrategy=strategy,
        ApplyImmediately=True,
        **({"AuthToken": token} if token else {}),
    )


def test_the_endpoint_lets_the_token_in(site: Any, name: str) -> None:
    cache = site.make_cache(name).connect()
    cache.set("session", "1", ex=60)
    assert cache.get("session") == b"1"
    assert site.group(name)["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379


def test_the_first_who_come_at_once_are_all_let_in(site: Any, name: str) -> None:
    access = site.make_cache(name)

    def ask(_number: int) -> object:
        with access.connect() as client:
            return client.ping()

    # The server starts with the first of them, and takes nobody before it has.
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [True] * 8


def test_without_the_token_or_tls_nobody_gets_in(site: Any, name: str) -> None:
    access = site.make_cache(name)
    with pytest.raises(valkey.AuthenticationError):
        replace(access, token="a-wrong-token-of-sixteen").connect().ping()
    with pytest.raises(valkey.AuthenticationError, match="Authentication required"):
        valkey.Valkey(host=access.host, port=access.port, ssl=True, ssl_ca_certs=str(access.authorities)).ping()
    with pytest.raises(valkey.ConnectionError):
        valkey.Valkey(host=access.host, port=access.port, password=access.token).ping()


def test_what_elasticache_forbids_is_forbidden(site: Any, name: str) -> None:
    cache = site.make_cache(name).connect()
    with pytest.raises(valkey.exceptions.NoPermissionError):
        cache.config_get("*")


def test_rotating_the_token_lets_both_in_until_set_leaves_the_new_one(site: Any, name: str) -> None:
    old = site.make_cache(name)
    new = replace(old, token=NEW_TOKEN)
    old.connect().ping()
    _change_token(site, name, "ROTATE")
    old.connect().ping()
    new.connect().ping()
    _change_token(site, name, "SET")
    new.connect().ping()
    with pytest.raises(valkey.AuthenticationError):
        old.connect().ping()


def test_a_first_token_leaves_the_door_open_until_set(site: Any, name: str) -> None:
    site.client("elasticache").create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="d", Engine="valkey", TransitEncryptionEnabled=True
    )
    access = site.cache(name, NEW_TOKEN)

    def without_token() -> Any:
        return valkey.Valkey(host=access.host, port=access.port, ssl=True, ssl_ca_certs=str(access.authorities))

    without_token().ping()
    _change_token(site, name, "ROTATE")
    without_token().ping()
    access.connect().ping()
    _change_token(site, name, "SET")
    access.connect().ping()
    with pytest.raises(valkey.AuthenticationError):
        without_token().ping()


def test_a_snapshot_copied_and_restored_is_the_data_as_it_was(site: Any, name: str) -> None:
    source = site.make_cache(name).connect()
    source.mset({"a": "1", "b": "2"})
    client = site.client("elasticache")
    client.create_snapshot(ReplicationGroupId=name, SnapshotName=name)
    _await_snapshot(client, name)
    source.set("a", "later")
    client.copy_snapshot(SourceSnapshotName=name, TargetSnapshotName=f"{name}-copy")
    _await_snapshot(client, f"{name}-copy")
    client.delete_snapshot(SnapshotName=name)
    restored = site.make_cache(f"{name}-r", SnapshotName=f"{name}-copy").connect()
    assert restored.mget("a", "b") == [b"1", b"2"]


def test_a_final_snapshot_keeps_what_a_deleted_group_held(site: Any, name: str) -> None:
    site.make_cache(name).connect().set("a", "1")
    client = site.client("elasticache")
    client.delete_replication_group(ReplicationGroupId=name, FinalSnapshotIdentifier=name)
    _await_snapshot(client, name)
    assert site.make_cache(f"{name}-r", SnapshotName=name).connect().get("a") == b"1"


def _await_snapshot(client: Any, name: str) -> None:
    import time

    while True:
        found = client.describe_snapshots(SnapshotName=name)["Snapshots"][0]
        if found["SnapshotStatus"] == "available":
            assert found["NodeSnapshots"][0]["CacheSize"].endswith(" MB")
            return
        assert found["SnapshotStatus"] == "creating"
        time.sleep(0.02)


def test_a_failover_cuts_off_and_loses_nothing(site: Any, name: str) -> None:
    access = site.make_cache(name, NumCacheClusters=2, AutomaticFailoverEnabled=True)
    with access.connect() as before:
        before.set("a", "1")
        site.client("elasticache").test_failover(ReplicationGroupId=name, NodeGroupId="0001")
    assert access.connect().get("a") == b"1"
    nodes = site.group(name)["NodeGroups"][0]["NodeGroupMembers"]
    assert [node["CurrentRole"] for node in nodes] == ["replica", "primary"]
