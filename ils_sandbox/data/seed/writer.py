"""`python -m ils_sandbox.data.seed.writer ENV --state DIR --writes-per-second R`: keeps writing to an environment.

One write is a new order with what belongs to it, in one transaction, and now and then a session and an event. It ends when
it is told to (SIGTERM), with the sandbox, or after its time, whatever comes first. One for each environment.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.errors import IlsError
from ils_sandbox.data.seed.load import event_item, session_item
from ils_sandbox.data.seed.place import Place, SeedError, find_place
from ils_sandbox.data.seed.rows import LENSES
from ils_sandbox.state import SandboxFiles, lock_holder
from ils_sandbox.supervisor import hold_lock

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger("ils_sandbox.data.seed.writer")

MOST_WRITES_PER_SECOND = 200.0
LONGEST_SECONDS = 3600.0
_EVERY = 5
"""So many orders to a session and an event."""
_SECONDS_TO_END = 20.0
_PAUSE_SECONDS = 0.5


def lock_file(state: Path, environment: str) -> Path:
    """Held by the writer of an environment for as long as it lives; holds its process id."""
    return SandboxFiles(state).sandbox / f"writer-{environment}.lock"


def start_writer(state: Path, environment: str, writes_per_second: float) -> int:
    """Start one in the background, in place of the one that writes already; its process id."""
    if not 0 < writes_per_second <= MOST_WRITES_PER_SECOND:
        raise SeedError(
            f"expected more than 0 and at most {MOST_WRITES_PER_SECOND:.0f} writes a second, found {writes_per_second}"
        )
    stop_writer(state, environment)
    with (SandboxFiles(state).logs / f"writer-{environment}.log").open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "ils_sandbox.data.seed.writer", environment, "--state", str(state),
                "--writes-per-second", str(writes_per_second),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _SECONDS_TO_END
    while lock_holder(lock_file(state, environment)) != process.pid:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SeedError(f"the writer did not start; {SandboxFiles(state).logs}/writer-{environment}.log says why")
        time.sleep(0.02)
    process.returncode = 0  # it outlives this process; nobody is to wait for it here
    return process.pid


def stop_writer(state: Path, environment: str) -> bool:
    """Stop the writer of an environment and wait until it has ended. False when there is none."""
    lock = lock_file(state, environment)
    pid = lock_holder(lock)
    if pid is None:
        return False
    deadline = time.monotonic() + _SECONDS_TO_END
    while (holder := lock_holder(lock)) is not None:
        # Only the holder of the lock is signalled: its id cannot have been given to another process.
        if holder:
            os.kill(holder, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise SeedError(f"the writer (pid {pid}) of {environment} does not end")
        time.sleep(0.02)
    return True


class Writer:
    """Writes to one environment."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._random = random.Random()  # noqa: S311 not secret
        self._written = 0
        self._until = 0.0

    def run(self, writes_per_second: float, going: threading.Event, sandbox: Path) -> int:
        """Write until `going` is cleared, the sandbox goes down, or the time is over. Returns how many orders."""
        from botocore.exceptions import BotoCoreError, ClientError
        from psycopg import OperationalError
        from valkey import ConnectionError as CacheError

        self._until = time.monotonic() + LONGEST_SECONDS
        while self._goes_on(going, sandbox):
            try:
                self._write_on(writes_per_second, lambda: self._goes_on(going, sandbox))
            except (OperationalError, CacheError, BotoCoreError, ClientError) as error:
                # A failover, or the end of the sandbox, which ends this too.
                log.warning("interrupted after %d orders: %s", self._written, error)
                time.sleep(_PAUSE_SECONDS)
        return self._written

    def _goes_on(self, going: threading.Event, sandbox: Path) -> bool:
        return going.is_set() and time.monotonic() < self._until and lock_holder(sandbox) is not None

    def _write_on(self, writes_per_second: float, goes_on: Callable[[], bool]) -> None:
        began, before = time.monotonic(), self._written
        with self._place.database.connect(autocommit=True) as session:
            while goes_on():
                self._write(session, extra=self._written % _EVERY == 0)
                self._written += 1
                pause = began + (self._written - before) / writes_per_second - time.monotonic()
                time.sleep(min(max(pause, 0.0), 1.0))

    def _write(self, session: psycopg.Connection[Any], *, extra: bool) -> None:
        with session.transaction():
            customer = session.execute(
                "SELECT customer_id, min(prescription_id) FROM ils.prescriptions WHERE customer_id = "
                "(SELECT 1 + floor(random() * max(customer_id))::bigint FROM ils.customers) GROUP BY customer_id"
            ).fetchone()
            lens = session.execute(
                "SELECT lens_id, price_eur FROM ils.lenses WHERE lens_id = %s", (self._random.randint(1, LENSES),)
            ).fetchone()
            if customer is None or lens is None:
                return
            order = session.execute(
                "INSERT INTO ils.orders (customer_id, placed_at, total_eur) VALUES (%s, clock_timestamp(), %s) "
                "RETURNING order_id",
                (customer[0], lens[1]),
            ).fetchone()
            values = (*(order or ()), lens[0], customer[1], lens[1])
            session.execute("INSERT INTO ils.order_lines VALUES (%s, 1, %s, %s, 1, %s)", values)
            session.execute(
                "INSERT INTO ils.lims_messages (order_id, kind, payload, received_at) "
                "VALUES (%s, 'job.created', jsonb_build_object('job', 'J' || %s), clock_timestamp())",
                (values[0], str(values[0])),
            )
            session.execute(
                "UPDATE ils.orders SET status = 'in_lab' WHERE order_id = "
                "(SELECT order_id FROM ils.orders WHERE status = 'received' ORDER BY placed_at LIMIT 1)"
            )
        if extra:
            self._write_elsewhere()

    def _write_elsewhere(self) -> None:
        place, user = self._place, self._random.randrange(1, 1000)
        item = session_item(self._random, user)
        place.dynamodb.put_item(TableName=place.sessions_table, Item=item)
        moment = int(datetime.now(UTC).timestamp() * 1000)
        place.dynamodb.put_item(TableName=place.analytics_table, Item=event_item(self._random, moment))
        with place.cache.connect() as cache:
            cache.set(f"session:live:{user}", item["sessionId"]["S"], ex=86_400)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.data.seed.writer", description=__doc__)
    parser.add_argument("environment")
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--writes-per-second", type=float, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    if hold_lock(lock_file(options.state, options.environment)) is None:
        log.error("another writer writes to %s", options.environment)
        return 1
    going = threading.Event()
    going.set()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda _number, _frame: going.clear())
    try:
        written = Writer(find_place(options.environment)).run(
            options.writes_per_second, going, SandboxFiles(options.state).lock
        )
    except (IlsError, OSError) as error:
        log.error("%s", error)  # noqa: TRY400 the message says it all
        return 1
    log.info("wrote %d orders", written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
