"""Secrets are rotated by a command: the new ones are let in, pods have them, the old ones are refused, and that is shown."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
from kubernetes.client import CoreV1Api

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.operations.access.cache import CacheAccess, cache_access
from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin, database_access
from ils_pipelines.operations.rotation import cache, database
from ils_pipelines.operations.rotation.models import RotationFailed, What
from ils_pipelines.operations.rotation.rotate import rotate
from ils_pipelines.operations.rotation.versions import PENDING, Versions
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.secrets import PLACEHOLDER
from ils_pipelines.targets.protocol import Target
from tests.operations.releases.conftest import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.long]


@dataclass(frozen=True)
class Doors:
    """The ways into what dev has."""

    target: Target

    def output(self, layer: Layer, name: str) -> str:
        return str((layer_work(self.target, layer).outputs() or {})[name].value)

    @property
    def token_secret(self) -> str:
        return self.output(Layer.CACHE, "auth_token_secret_arn")

    @property
    def login_secret(self) -> str:
        return self.output(Layer.SECRETS, "database_url_secret_arn")

    def cache(self) -> CacheAccess:
        return cache_access(self.target, self.output(Layer.CACHE, "replication_group_id"), self.token_secret)

    def database(self, login: DatabaseLogin | None = None) -> DatabaseAccess:
        return database_access(self.target, self.output(Layer.DATABASE, "cluster_identifier"), login=login)

    def of_pods(self) -> dict[str, str]:
        """What the application's pods read."""
        api = CoreV1Api(self.target.kubernetes("ils-dev"))
        data = api.read_namespaced_secret("ils-secrets", "ils-dev").data
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    def pending(self, secret: str) -> str | None:
        return Versions(self.target.client("secretsmanager"), secret).value(PENDING)


@pytest.fixture
def doors(terminal: Terminal) -> Doors:
    return Doors(terminal.target("dev"))


def test_a_rotation_leaves_the_new_secrets_in_and_the_old_ones_out(terminal: Terminal, doors: Doors) -> None:
    old_cache, old_database = doors.cache(), doors.database()

    done = terminal.ils("rotate", "dev", "--json")

    assert json.loads(done.stdout)["success"]
    new_cache, new_database = doors.cache(), doors.database()
    assert (cache.said(new_cache), database.said(new_database)) == (None, None)
    assert cache.said(old_cache) is not None
    assert "password authentication failed" in (database.said(old_database) or "")
    assert doors.of_pods()["REDIS_AUTH_TOKEN"] == new_cache.token
    assert new_database.login.password in unquote(doors.of_pods()["DATABASE_URL"])
    said = done.stderr + done.stdout
    assert "the old one is not" in said
    for secret in (old_cache.token, new_cache.token, old_database.login.password, new_database.login.password):
        assert secret not in said
    assert terminal.ils("up", "dev").stdout.count("no change made") == 1


def test_during_the_one_phase_of_the_administrator_who_reads_the_secret_anew_gets_in(doors: Doors) -> None:
    """AWS lets no two passwords in: a login with what was just read may be refused, and one after that is not for long."""
    over, logins = threading.Event(), list[str]()

    def log_in_again_and_again() -> None:
        while not over.is_set():
            access = doors.database()
            deadline = time.monotonic() + 30
            while database.said(access) is not None:
                assert time.monotonic() < deadline
                access = doors.database()
            logins.append(access.login.password)

    with ThreadPoolExecutor() as pool:
        going_on = pool.submit(log_in_again_and_again)
        try:
            before = doors.database().login.password
            (proof,) = rotate(doors.target, [What.DATABASE]).proofs
        finally:
            over.set()
        going_on.result(60)

    assert "one that was open before goes on" in proof.accepted
    assert "password authentication failed" in proof.refused
    assert set(logins) <= {before, doors.database().login.password}


class Died(BaseException):
    """As a process that is killed."""


@pytest.mark.parametrize("at", ["letting in a new token", "pods go over", "letting in the new token alone"])
def test_what_a_killed_rotation_began_is_finished_by_the_next(doors: Doors, at: str) -> None:
    before = doors.cache()

    def die(event: EngineEvent) -> None:
        if at in event.message:
            raise Died

    with suppress(Died):
        rotate(doors.target, [What.CACHE], on_event=die)
    began = doors.pending(doors.token_secret)
    assert began is not None
    assert cache.said(doors.cache()) is None, "pods would start with a token that is not let in"
    assert cache.said(before) is None, "pods that run have a token that is not let in any more"

    (proof,) = rotate(doors.target, [What.CACHE]).proofs

    assert proof.accepted == "PONG"
    assert doors.cache().token == began
    assert cache.said(before) is not None
    assert doors.pending(doors.token_secret) is None


def test_pods_are_told_of_no_token_that_is_not_let_in_yet(terminal: Terminal, doors: Doors) -> None:
    before, cancel = doors.cache(), threading.Event()
    terminal.sandbox.control("settings", {"token_seconds": 3600})
    cancel.set()
    try:
        with pytest.raises(OperationCancelled):
            rotate(doors.target, [What.CACHE], cancel=cancel)
        between, began = doors.cache(), doors.pending(doors.token_secret)
    finally:
        terminal.sandbox.control("settings", {"token_seconds": 0})
    rotate(doors.target, [What.CACHE])

    assert between.token == before.token != began
    assert doors.cache().token == began


@pytest.fixture
def own_login(doors: Doors) -> Iterator[DatabaseLogin]:
    """A login that a person made for the application, with a table of its own."""
    login = DatabaseLogin("app", "a-password-of-a-person")
    with doors.database().connect(autocommit=True) as session:
        session.execute(f"CREATE ROLE app LOGIN PASSWORD '{login.password}'")
        session.execute("CREATE SCHEMA app")
        session.execute("GRANT USAGE, CREATE ON SCHEMA app TO app")
    put(doors, {"host": "db", "username": login.user, "password": login.password})
    with doors.database(login).connect(autocommit=True) as session:
        session.execute("CREATE TABLE app.first (id int)")
    yield login
    doors.target.client("secretsmanager").put_secret_value(SecretId=doors.login_secret, SecretString=PLACEHOLDER)
    with doors.database().connect(autocommit=True) as session:
        session.execute("DROP SCHEMA app CASCADE")
        for role in ("app_b", "app"):
            session.execute(f"GRANT {role} TO CURRENT_USER")
            session.execute(f"DROP OWNED BY {role}")
            session.execute(f"DROP ROLE {role}")
    layer_work(doors.target, Layer.APP_RELEASE).up()


def put(doors: Doors, value: dict[str, str]) -> None:
    doors.target.client("secretsmanager").put_secret_value(SecretId=doors.login_secret, SecretString=json.dumps(value))


def current(doors: Doors) -> tuple[dict[str, Any], DatabaseLogin]:
    answer = doors.target.client("secretsmanager").get_secret_value(SecretId=doors.login_secret)
    value = json.loads(answer["SecretString"])
    return value, DatabaseLogin(value["username"], value["password"])


def test_the_applications_own_login_changes_between_two_roles(doors: Doors, own_login: DatabaseLogin) -> None:
    rotate(doors.target, [What.DATABASE])

    value, second = current(doors)
    assert (second.user, value["host"]) == ("app_b", "db")
    assert "password authentication failed" in (database.said(doors.database(own_login)) or "")
    assert second.password in doors.of_pods()["DATABASE_URL"]
    with doors.database(second).connect(autocommit=True) as session:
        session.execute("INSERT INTO app.first VALUES (1)")
        session.execute("CREATE TABLE app.second (id int)")

    rotate(doors.target, [What.DATABASE])

    _, third = current(doors)
    assert (third.user, third.password != own_login.password) == ("app", True)
    assert "password authentication failed" in (database.said(doors.database(second)) or "")
    with doors.database(third).connect(autocommit=True) as session:
        session.execute("INSERT INTO app.second VALUES (1)")


def test_a_secret_that_opens_nothing_is_not_rotated(doors: Doors) -> None:
    before = doors.cache()
    client = doors.target.client("secretsmanager")
    client.put_secret_value(SecretId=doors.token_secret, SecretString="wrong-token-of-sixteen")

    with pytest.raises(RotationFailed, match=r"expected that .* lets in the token(.|\n)*Nothing was changed"):
        rotate(doors.target, [What.CACHE])

    client.put_secret_value(SecretId=doors.token_secret, SecretString=before.token)
    assert cache.said(doors.cache()) is None
