"""`ils cluster-job …`: what jobs in an environment's cluster run. People have no use for it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ils_pipelines.commands.output import ExitCode, print_error
from ils_pipelines.operations.backup.dump import DumpFailed, DumpOrder, access_of, dump
from ils_pipelines.operations.backup.manifest import canonical
from ils_pipelines.operations.backup.pieces.database_dump import PASSWORD_VARIABLE
from ils_pipelines.operations.health.vitals.asking import ask
from ils_pipelines.targets.sessions import Clients


def dump_database(order_place: str, region: str) -> ExitCode:
    """Carry out the order kept at `order_place` (s3://bucket/key) and leave the result beside it. Raises `DumpFailed`."""
    from botocore.exceptions import BotoCoreError, ClientError
    from psycopg import Error

    password = os.environ.pop(PASSWORD_VARIABLE, None)
    if password is None:
        raise DumpFailed(f"expected the password of the database in {PASSWORD_VARIABLE}, found no such variable")
    place = urlsplit(order_place)
    s3 = Clients(region=region).client("s3")
    try:
        content = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
        order = DumpOrder.model_validate_json(content)
        with tempfile.TemporaryDirectory() as folder:
            access = access_of(order, password, Path(folder))
            _say(f"dumping {order.database} on {order.host} into s3://{order.bucket}/{order.key}")
            piece = dump(access, s3, order)
        s3.put_object(Bucket=order.bucket, Key=order.record_key, Body=canonical(piece))
    except (BotoCoreError, ClientError, Error) as error:
        raise DumpFailed(f"expected to dump the database into {place.netloc}, found: {error}") from error
    _say(f"{piece.size} bytes, SHA-256 {piece.sha256}")
    return ExitCode.SUCCESS


def vitals() -> ExitCode:
    """Ask database, cache and application as this container's variables say, and tell what they answer."""
    _say(ask(os.environ).line())
    return ExitCode.SUCCESS


ORDERED: Mapping[str, Callable[[str, str], ExitCode]] = {"dump-database": dump_database}
WORKS: Mapping[str, Callable[[], ExitCode]] = {"vitals": vitals}
"""What needs an order, and what finds all that it needs in its container."""


def run(work: str, order_place: str | None, region: str | None) -> ExitCode:
    """Raises what the work raises."""
    if work in WORKS and order_place is None and region is None:
        return WORKS[work]()
    if work in ORDERED and order_place is not None and region is not None:
        return ORDERED[work](order_place, region)
    works = (*(f"{name} ORDER --region REGION" for name in ORDERED), *WORKS)
    print_error(f"expected one of {', '.join(works)}; found {work!r} with {order_place or 'no order'}")
    return ExitCode.USAGE


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
