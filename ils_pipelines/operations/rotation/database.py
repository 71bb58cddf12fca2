"""The database's logins: the administrator's, which RDS rotates, and the application's own where a person put one in.

PostgreSQL has one password for a role. So the application's login changes between two roles, `<name>` and `<name>_b`: the
second acts as the first, which owns what there is, and each is let in until pods have gone over to the other.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin, database_access
from ils_pipelines.operations.rotation.models import Proof, RotationFailed
from ils_pipelines.operations.rotation.versions import CURRENT, PENDING, PREVIOUS, Versions
from ils_pipelines.operations.rotation.waiting import until
from ils_pipelines.settings.secrets import PLACEHOLDER
from ils_pipelines.targets.protocol import Target

if TYPE_CHECKING:
    import psycopg

PATIENCE = timedelta(minutes=10)
_SECOND = "_b"
_LENGTH = 48
_ALPHABET = string.ascii_letters + string.digits
_NOT_LET_IN = ("password authentication failed", "is not permitted to log in")


@dataclass(frozen=True)
class Administrator:
    """Of one Aurora cluster. RDS rotates in one phase: it has one role and gives it another password, so that for up to a
    minute "new connections that retrieve the secret may get the previous version of the credentials" (Secrets Manager User
    Guide, Managed rotation). Nothing lets both in. What can be shown is: sessions that are open go on, whoever reads the
    secret anew when refused gets in, and afterwards the old password is refused. The application has two phases where it has
    a login of its own, see `ApplicationLogin`.
    """

    target: Target
    cluster: str
    note: Callable[[str], None]
    cancel: threading.Event

    @property
    def subject(self) -> str:
        return f"the administrator's password of {self.cluster}"

    def rotate(self) -> Proof:
        """Have RDS give another password. Who is connected stays so; who connects needs the new one at once."""
        old = database_access(self.target, self.cluster)
        _expect_in(self.subject, old, "Nothing was changed. See that the database can be reached from here.")
        with old.connect(autocommit=True) as open_before:
            self.note(f"{self.cluster}: RDS gives its administrator another password")
            self.target.client("rds").modify_db_cluster(
                DBClusterIdentifier=self.cluster, RotateMasterUserPassword=True, ApplyImmediately=True
            )

            def rotated() -> DatabaseAccess | None:
                now = database_access(self.target, self.cluster)
                return now if now.login.password != old.login.password and said(now) is None else None

            until(rotated, self.subject, "that the new one is let in", PATIENCE, self.cancel)
            refused = until(lambda: said(old), self.subject, "that the old one is refused", PATIENCE, self.cancel)
            accepted = f"session of {old.login.user}; one that was open before {_goes_on(open_before)}"
        return Proof(self.subject, accepted, refused)


@dataclass(frozen=True)
class ApplicationLogin:
    """The login in a secret of JSON with `username` and `password`."""

    target: Target
    cluster: str
    secret: str
    """ARN."""
    note: Callable[[str], None]
    cancel: threading.Event

    @property
    def subject(self) -> str:
        return f"the application's login to {self.cluster}"

    @property
    def own(self) -> bool:
        """Whether a person has put one in: without, the application uses the administrator's."""
        return self._versions.value(CURRENT) not in (None, PLACEHOLDER)

    def begin(self) -> None:
        """Let another role in beside the one in use, and have the secret say that one."""
        versions = self._versions
        if versions.promoted:
            return
        current = self._read(versions.value(CURRENT))
        _expect_in(
            self.subject, self._access(current), "Nothing was changed. See that the secret holds what is let in."
        )
        pending = versions.value(PENDING)
        if pending is None:
            password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            pending = json.dumps({**current, "username": other_of(current["username"]), "password": password})
            versions.propose(pending)
        new = self._read(pending)
        self.note(f"{self.cluster}: letting in {new['username']} beside {current['username']}")
        with database_access(self.target, self.cluster).connect(autocommit=True) as session:
            _let_in(session, DatabaseLogin(new["username"], new["password"]))
        _expect_in(self.subject, self._access(new), "Rotate again: it goes on where this ended.")
        versions.promote()

    def finish(self) -> Proof:
        """Let the old role in no more, and see that it is so."""
        from psycopg import sql

        versions = self._versions
        new, old = self._read(versions.value(CURRENT)), self._read(versions.value(PREVIOUS))
        self.note(f"{self.cluster}: letting in {old['username']} no more")
        with database_access(self.target, self.cluster).connect(autocommit=True) as session:
            role = sql.Identifier(old["username"])
            session.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(role))
        _expect_in(self.subject, self._access(new), "Rotate again: it goes on where this ended.")
        refused = until(
            lambda: said(self._access(old)), self.subject, "that the old one is refused", PATIENCE, self.cancel
        )
        versions.conclude()
        return Proof(self.subject, f"session of {new['username']}", refused)

    @property
    def _versions(self) -> Versions:
        return Versions(self.target.client("secretsmanager"), self.secret)

    def _read(self, text: str | None) -> dict[str, Any]:
        try:
            found = json.loads(text or "")
            _ = found["username"], found["password"]
        except (ValueError, KeyError, TypeError):
            # Not chained: the error of a parser shows what it read.
            raise RotationFailed(
                self.subject,
                f"JSON with username and password in {self.secret}",
                "something else",
                "Put the login in again.",
            ) from None
        return dict(found)

    def _access(self, login: dict[str, Any]) -> DatabaseAccess:
        access = database_access(self.target, self.cluster)
        return replace(access, login=DatabaseLogin(login["username"], login["password"]))


def _goes_on(session: psycopg.Connection[Any]) -> str:
    """A session that was lost meanwhile, as by a failover, says nothing against the new password."""
    from psycopg import OperationalError

    try:
        session.execute("SELECT 1")
    except OperationalError:
        return "was lost"
    return "goes on"


def other_of(user: str) -> str:
    """The role that takes over from this one."""
    return user.removesuffix(_SECOND) if user.endswith(_SECOND) else f"{user}{_SECOND}"


def _let_in(session: psycopg.Connection[Any], login: DatabaseLogin) -> None:
    """Make the role if it is not there, and give it the password, of which the server is sent a verifier alone."""
    from psycopg import sql

    role, first = sql.Identifier(login.user), sql.Identifier(login.user.removesuffix(_SECOND))
    verifier = session.pgconn.encrypt_password(login.password.encode(), login.user.encode(), b"scram-sha-256").decode()
    if session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login.user,)).fetchone() is None:
        session.execute(sql.SQL("CREATE ROLE {} IN ROLE {}").format(role, first))
    if login.user.endswith(_SECOND):
        # What it makes belongs to the first, who may use it after the next rotation, too.
        session.execute(sql.SQL("ALTER ROLE {} SET role TO {}").format(role, first))
    session.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier)))


def said(access: DatabaseAccess) -> str | None:
    """Why the database does not let the login in; None when it does. Raises psycopg's error when that is not the reason."""
    from psycopg import OperationalError

    try:
        with access.connect() as session:
            session.execute("SELECT 1")
    except OperationalError as error:
        line = str(error).strip().splitlines()[-1]
        if any(each in line for each in _NOT_LET_IN):
            return line.partition("FATAL:")[2].strip() or line
        raise
    return None


def _expect_in(subject: str, access: DatabaseAccess, remedy: str) -> None:
    from psycopg import OperationalError

    try:
        problem = said(access)
    except OperationalError as error:
        problem = str(error).strip().splitlines()[-1]
    if problem is not None:
        raise RotationFailed(subject, f"that {access.host} lets {access.login.user} in", problem, remedy)
