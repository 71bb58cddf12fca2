"""One restore of a dump out of a bucket, in a process of its own: `python -m benchmarks.restored ORDER`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import ObjectRef, Record
from ils_pipelines.operations.backup.places import BackupSide
from ils_pipelines.operations.restore.dump import restore_dump
from ils_pipelines.settings.loading import load_environment

DATABASE = "restored"


class Order(Record):
    host: str
    port: int
    user: str
    password: str
    """Of a database that lasts as long as the measurement."""
    authorities: str
    programs: str
    """Folder of PostgreSQL's client programs."""
    object: ObjectRef
    sha256: str


class BenchTarget:
    """As much of a target as a restore asks: AWS at the endpoint of the environment's variables, and pg_restore."""

    def __init__(self, programs: str) -> None:
        self.environment = load_environment("dev")
        self._programs = programs

    def client(self, service: str, *, region: str | None = None) -> Any:
        return boto3.client(service, region_name=region)

    def postgres_program(self, name: str) -> tuple[str, Mapping[str, str]]:
        return str(Path(self._programs) / name), {"PATH": os.pathsep.join([self._programs, os.environ["PATH"]])}


def main(order: Order) -> None:
    target: Any = BenchTarget(order.programs)
    access = DatabaseAccess(
        order.host, order.port, "bench", DatabaseLogin(order.user, order.password), Path(order.authorities)
    )
    side = BackupSide("us-east-1", order.object.bucket, transfers="", key_arn="", signing_key_arn="")
    bucket = SetBucket(target, side)
    restore_dump(target, access, DATABASE, bucket.chunks(order.object), order.sha256)


if __name__ == "__main__":
    main(Order.model_validate_json(sys.argv[1]))
