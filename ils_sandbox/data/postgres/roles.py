"""The roles of a database server on RDS: nobody but RDS itself is a superuser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ils_sandbox.data.records import Login

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from ils_sandbox.data.postgres.server import PostgresServer

_MONITORING = "pg_monitor, pg_signal_backend, pg_checkpoint, pg_use_reserved_connections, pg_create_subscription"


def prepare_database(server: PostgresServer, login: Login, database: str | None) -> None:
    """Make the roles that RDS makes, the administrator and, if one is named, its database."""
    from psycopg import sql

    user = sql.Identifier(login.user)
    statements: list[str | Composed] = [
        "CREATE ROLE rds_superuser NOLOGIN",
        f"GRANT {_MONITORING} TO rds_superuser WITH ADMIN OPTION",
        "CREATE ROLE rds_iam NOLOGIN",
        "CREATE ROLE rds_password NOLOGIN",
        "CREATE ROLE rds_replication NOLOGIN",
        sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser PASSWORD {}").format(
            user, sql.Literal(login.verifier)
        ),
        sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(user),
    ]
    if database is not None and database != "postgres":
        statements.append(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), user))
    with server.administrator() as session:
        for statement in statements:
            session.execute(statement)


def set_password(server: PostgresServer, login: Login) -> None:
    """Give the administrator another password."""
    from psycopg import sql

    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login.user), sql.Literal(login.verifier))
    with server.administrator() as session:
        session.execute(statement)
