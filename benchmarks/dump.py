"""Dumping a database as a backup set does and restoring it as a drill does, beside bare pg_dump and pg_restore.

The promise: at least 70 % of their throughput, in memory that does not grow with the data.
`python -m benchmarks dump=10,2000` takes the sizes in megabytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from benchmarks import restored
from benchmarks.sink import s3_sink
from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin
from ils_pipelines.operations.backup.details import ObjectRef
from ils_pipelines.operations.backup.dump import DumpOrder
from ils_pipelines.operations.backup.manifest import canonical
from ils_pipelines.operations.backup.pieces.database_dump import PASSWORD_VARIABLE
from ils_sandbox import server
from ils_sandbox.data.postgres.binaries import client_environment, program
from ils_sandbox.data.postgres.programs import install_programs
from ils_sandbox.state import SandboxState

ROUNDS = 3
SIZES = "10,100"
LOGIN = DatabaseLogin("ils_admin", "correct-horse-battery")
_KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Run:
    """Of one process."""

    seconds: float
    peak_kilobytes: int


def main(sizes: str = SIZES) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        state = server.start(directory / "state", kubernetes=False).state
        try:
            access = _database(state)
            install_programs(directory / "programs")
            print("Dumping: pg_dump alone, and the job of a backup set (with hashes and the state of every table)")
            print("Restoring: pg_restore of a file, and what a drill does (from the bucket, the dump's hash checked)")
            print(
                f"{'data':>10} {'dump':>10} {'':>10} {'bare':>8} {'ours':>10} {'throughput':>11} {'memory of ours':>15}"
            )
            for size in (int(each) for each in sizes.split(",")):
                _fill(access, size)
                for line in _measure(access, directory, size):
                    print(line, flush=True)
        finally:
            server.stop(directory / "state")


def _database(state: SandboxState) -> DatabaseAccess:
    rds = boto3.client(
        "rds",
        region_name="us-east-1",
        endpoint_url=state.aws.endpoint,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 the sandbox takes any
    )
    rds.create_db_cluster(
        DBClusterIdentifier="bench",
        Engine="aurora-postgresql",
        DatabaseName="bench",
        MasterUsername=LOGIN.user,
        MasterUserPassword=LOGIN.password,
    )
    found = rds.describe_db_clusters(DBClusterIdentifier="bench")["DBClusters"][0]
    return DatabaseAccess(found["Endpoint"], found["Port"], "bench", LOGIN, state.data.ca_file)


def _fill(access: DatabaseAccess, megabytes: int) -> None:
    """Rows of a kilobyte that compress about as well as orders and messages do."""
    with access.connect(autocommit=True) as session:
        session.execute("DROP TABLE IF EXISTS rows")
        session.execute("CREATE TABLE rows (id bigint PRIMARY KEY, payload text)")
        session.execute(
            "INSERT INTO rows SELECT n, (SELECT string_agg(md5(n::text || m::text) || ' order line of a customer ', '')"
            " FROM generate_series(1, 18) m) FROM generate_series(1, %s) n",
            (megabytes * 1000,),
        )
        session.execute("VACUUM ANALYZE rows")


def _measure(access: DatabaseAccess, directory: Path, size: int) -> Iterator[str]:
    target = directory / "bare.dump"
    environment = client_environment() | access.environment()
    bare_dump = [str(program("pg_dump")), "--format=custom", "--no-password", f"--file={target}"]
    dumps = [(_run(bare_dump, environment), _job(access, directory)) for _ in range(ROUNDS)]
    yield _row(size, target, "dump", dumps)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    restores = [
        (_bare_restore(access, target, environment), _restore(access, directory, target, sha256)) for _ in range(ROUNDS)
    ]
    yield _row(size, target, "restore", restores)


def _row(size: int, dumped: Path, what: str, pairs: Sequence[tuple[Run, Run]]) -> str:
    bare, ours = (min(run.seconds for run in side) for side in zip(*pairs, strict=True))
    memory = max(run.peak_kilobytes for _, run in pairs)
    return (
        f"{size:>7} MB {dumped.stat().st_size / 1e6:>7.1f} MB {what:>10} {bare:>6.2f} s {ours:>8.2f} s {bare / ours:>10.0%} "
        f"{memory / 1024:>12.0f} MB"
    )


def _bare_restore(access: DatabaseAccess, dumped: Path, environment: Mapping[str, str]) -> Run:
    with access.connect(autocommit=True) as session:
        session.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")
        session.execute("CREATE DATABASE restored TEMPLATE template0")
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--dbname=restored"]
    return _run([str(program("pg_restore")), *options, str(dumped)], environment)


def _restore(access: DatabaseAccess, directory: Path, dumped: Path, sha256: str) -> Run:
    order = restored.Order(
        host=access.host,
        port=access.port,
        user=access.login.user,
        password=access.login.password,
        authorities=str(access.authorities),
        programs=str(directory / "programs"),
        object=ObjectRef(bucket="bench", key="data/database.dump", version="v"),
        sha256=sha256,
    )
    with s3_sink({"/bench/data/database.dump": dumped}) as endpoint:
        variables = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, **_KEYS}
        return _run([sys.executable, "-m", "benchmarks.restored", order.model_dump_json()], variables)


def _job(access: DatabaseAccess, directory: Path) -> Run:
    order = DumpOrder(
        piece="database-dump",
        region="us-east-1",
        bucket="bench",
        key="data/database.dump",
        record_key="result.json",
        host=access.host,
        port=access.port,
        database=access.database,
        user=access.login.user,
        authorities=access.authorities.read_text(),
    )
    with s3_sink({"/bench/order.json": canonical(order)}) as endpoint:
        path = os.pathsep.join([str(directory / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = {"PATH": path, "AWS_ENDPOINT_URL": endpoint, PASSWORD_VARIABLE: access.login.password, **_KEYS}
        ils = str(Path(sys.executable).with_name("ils"))
        return _run([ils, "cluster-job", "dump-database", "s3://bench/order.json", "--region", "us-east-1"], variables)


def _run(command: Sequence[str], variables: Mapping[str, str]) -> Run:
    """Raises RuntimeError when it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        pid = os.posix_spawn(
            command[0],
            list(command),
            {"LANG": "C.UTF-8", **variables},
            file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            said.seek(0)
            raise RuntimeError(f"{command[0]}: {said.read().decode(errors='replace')}")
    return Run(time.perf_counter() - started, usage.ru_maxrss)
