"""Behind an emulated Aurora cluster stands a PostgreSQL, entered as Aurora is entered."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ils_pipelines.operations.access.database import DatabaseLogin
from ils_sandbox.data.postgres.binaries import client_environment, program


def test_the_endpoint_that_rds_describes_lets_the_administrator_in(orders: Any) -> None:
    with orders.connect() as session:
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (1000,)
        assert session.execute(
            "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (
            "ils_admin",
            False,
        )


def test_the_endpoint_is_a_loopback_address_with_the_port_asked_for(site: Any, name: str) -> None:
    access = site.make_database(name, Port=5433)
    assert access.host.startswith("127.")
    assert access.port == 5433


def _managed_login(site: Any, name: str) -> DatabaseLogin:
    arn = site.cluster(name)["MasterUserSecret"]["SecretArn"]
    secret = json.loads(site.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return DatabaseLogin(secret["username"], secret["password"])


def test_a_managed_password_lets_in_until_it_is_rotated(site: Any, name: str) -> None:
    rds = site.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        DatabaseName="ilsdb",
        MasterUsername="ils",
        ManageMasterUserPassword=True,
    )
    first = site.database(name, login=_managed_login(site, name))
    with first.connect() as session:
        assert session.execute("SELECT current_user").fetchone() == ("ils",)
    rds.modify_db_cluster(DBClusterIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    second = site.database(name, login=_managed_login(site, name))
    second.connect().close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        first.connect()
    site.client("secretsmanager").rotate_secret(SecretId=site.cluster(name)["MasterUserSecret"]["SecretArn"])
    site.database(name, login=_managed_login(site, name)).connect().close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        second.connect()


def test_a_wrong_password_does_not(orders: Any) -> None:
    wrong = replace(orders, login=DatabaseLogin("ils_admin", "wrong"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        wrong.connect()


def test_a_changed_password_is_the_one_that_lets_in(site: Any, name: str) -> None:
    access = site.make_database(name)
    access.connect().close()
    site.client("rds").modify_db_cluster(
        DBClusterIdentifier=name, MasterUserPassword="another-password", ApplyImmediately=True
    )
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        access.connect()
    site.database(name, login=DatabaseLogin("ils_admin", "another-password")).connect().close()


def test_the_superuser_is_nobodys(orders: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        replace(orders, login=DatabaseLogin("rdsadmin", "")).connect()


def test_without_force_ssl_a_connection_may_be_plain(orders: Any) -> None:
    with psycopg.connect(
        host=orders.host,
        port=orders.port,
        dbname="ilsdb",
        user=orders.login.user,
        password=orders.login.password,
        sslmode="disable",
    ) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_force_ssl_lets_only_tls_in(site: Any, name: str) -> None:
    rds = site.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql16", Description="d"
    )
    access = site.make_database(name, DBClusterParameterGroupName=name)
    plain = {**access.parameters(), "sslmode": "disable"}
    psycopg.connect(psycopg.conninfo.make_conninfo("", **plain)).close()
    rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=name,
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(psycopg.conninfo.make_conninfo("", **plain))
    access.connect().close()


def test_a_client_that_trusts_another_authority_stays_away(orders: Any, tmp_path: Any) -> None:
    from ils_sandbox.tls import ensure_certificates

    stranger = ensure_certificates(tmp_path / "tls").ca_file
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        replace(orders, authorities=stranger).connect()


def test_the_readers_endpoint_shows_the_data_and_takes_no_writes(site: Any, name: str) -> None:
    writer = site.make_database(name)
    with writer.connect(autocommit=True) as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS i")
    with site.database(name, endpoint="ReaderEndpoint").connect(autocommit=True) as session:
        assert session.execute("SELECT i FROM t").fetchone() == (1,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("INSERT INTO t VALUES (2)")


def test_a_running_query_can_be_cancelled(orders: Any) -> None:
    with orders.connect() as session:
        timer = threading.Timer(0.2, session.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            session.execute("SELECT pg_sleep(60)")
        timer.join()


def test_pg_dump_reaches_it_as_it_reaches_aurora(orders: Any) -> None:
    environment = {**os.environ, **client_environment(), **orders.environment()}
    dumped = subprocess.run(
        [str(program("pg_dump")), "--table", "orders"], env=environment, capture_output=True, text=True, check=True
    )
    assert "lens 1000" in dumped.stdout
    refused = subprocess.run(
        [str(program("pg_dump"))],
        env={**environment, "PGPASSWORD": "wrong"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
