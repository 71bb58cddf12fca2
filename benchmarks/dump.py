"""Dumping a database as a backup set does, beside bare pg_dump. The promise: at least 70 % of its throughput, in memory that
does not grow with the data. `python -m benchmarks dump=10,250` takes the sizes in megabytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3

from benchmarks.sink import s3_sink
from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin
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


def main(sizes: str = SIZES) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        state = server.start(directory / "state", kubernetes=False).state
        try:
            access = _database(state)
            install_programs(directory / "programs")
            print(
                "Dumping a database: pg_dump alone, and the job of a backup set (with hashes and the state of every table)"
            )
            print(
                f"{'data':>10} {'dump':>10} {'pg_dump':>10} {'the job':>10} {'throughput':>11} {'memory of the job':>18}"
            )
            for size in (int(each) for each in sizes.split(",")):
                _fill(access, size)
                print(_measure(access, directory, size), flush=True)
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


def _measure(access: DatabaseAccess, directory: Path, size: int) -> str:
    bare, ours, memory, dumped = [], [], 0, 0
    for _ in range(ROUNDS):
        target = directory / "bare.dump"
        command = [str(program("pg_dump")), "--format=custom", "--no-password", f"--file={target}"]
        bare.append(_run(command, client_environment() | access.environment())[0])
        dumped = target.stat().st_size
        seconds, peak = _job(access, directory)
        ours.append(seconds)
        memory = max(memory, peak)
    ratio = min(bare) / min(ours)
    return (
        f"{size:>7} MB {dumped / 1e6:>7.1f} MB {min(bare):>8.2f} s {min(ours):>8.2f} s {ratio:>10.0%} "
        f"{memory / 1024:>15.0f} MB"
    )


def _job(access: DatabaseAccess, directory: Path) -> tuple[float, int]:
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


def _run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, int]:
    """Seconds, and the most memory of the process in kilobytes. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        pid = os.posix_spawn(
            command[0],
            command,
            {"LANG": "C.UTF-8", **variables},
            file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            said.seek(0)
            raise RuntimeError(f"{command[0]}: {said.read().decode(errors='replace')}")
    return time.perf_counter() - started, usage.ru_maxrss
