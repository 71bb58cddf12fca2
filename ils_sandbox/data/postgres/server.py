"""One PostgreSQL server: its process, and what the sandbox's administrator says to it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_sandbox.data.owned import DataServerError, OwnedProcess, unprivileged
from ils_sandbox.data.postgres.binaries import program
from ils_sandbox.data.postgres.template import ADMINISTRATOR

if TYPE_CHECKING:
    import psycopg

SECONDS_TO_START = 60.0
_POLL_SECONDS = 0.01
_STATUS_LINE = 7
"""Of postmaster.pid; what it says is documented in PostgreSQL's miscadmin.h."""

SETTINGS = {
    "listen_addresses": "",  # the way in is ours: TLS ends there
    "unix_socket_permissions": "0700",
    # What is written survives the server, not the machine: enough here, and several times as fast.
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "min_wal_size": "4MB",
    "max_wal_size": "256MB",
    "archive_mode": "on",
    "archive_library": "basic_archive",
    "hot_standby": "off",  # while it recovers, nobody is let in
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}

# The administrator comes through the socket alone, which only this user can open; the way in keeps others from being it.
HOST_BASED_AUTHENTICATION = f"""\
local replication {ADMINISTRATOR} trust
local all {ADMINISTRATOR} trust
local all all scram-sha-256
"""


class PostgresServer:
    """A server on the files in `data`, reached through a socket in `socket_folder`."""

    def __init__(self, data: Path, socket_folder: Path, log: Path) -> None:
        self._data = data
        self.socket_folder = socket_folder
        self._log = log
        self._process: OwnedProcess | None = None
        self._ready = False

    @property
    def socket(self) -> Path:
        return self.socket_folder / ".s.PGSQL.5432"

    @property
    def running(self) -> bool:
        """Whether it takes connections: not yet while it recovers."""
        return self._ready and self._process is not None and self._process.running

    def start(self, archive: Path, settings: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it takes connections; after a recovery, until that is done.

        `archive` gets the write-ahead log. Raises `DataServerError`.
        """
        archive.mkdir(exist_ok=True)
        self.socket_folder.mkdir(exist_ok=True, mode=0o700)
        authentication = self.socket_folder / "pg_hba.conf"
        authentication.write_text(HOST_BASED_AUTHENTICATION)
        chosen = {
            **SETTINGS,
            "unix_socket_directories": str(self.socket_folder),
            "hba_file": str(authentication),
            "basic_archive.archive_directory": str(archive),
            **(settings or {}),
        }
        command = [*unprivileged(), str(program("postgres")), "-D", str(self._data)]
        for name, value in chosen.items():
            command += ["-c", f"{name}={value}"]
        status = self._data / "postmaster.pid"
        self._await_end_of_previous(status)
        said_before = self._log.stat().st_size if self._log.exists() else 0
        self._ready = False
        self._process = OwnedProcess(command, signal_name="INT", log=self._log)
        deadline = time.monotonic() + SECONDS_TO_START
        while not _is_ready(status):
            if not self._process.running or time.monotonic() > deadline:
                self.stop()
                said = self._log.read_bytes()[said_before:].decode(errors="replace").strip()
                message = f"PostgreSQL did not start: {_complaint(said)} (see {self._log})"
                raise DataServerError(message)
            time.sleep(_POLL_SECONDS)
        self._ready = True

    def _await_end_of_previous(self, status: Path) -> None:
        """A server whose parent was killed a moment ago may still be saving."""
        deadline = time.monotonic() + SECONDS_TO_START
        while pid := _first_number(status):
            if not _serves(pid, self._data):
                status.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                message = f"another PostgreSQL (pid {pid}) runs on {self._data} and does not end; end it first"
                raise DataServerError(message)
            else:
                time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Cut off every session, save, and end. Raises `DataServerError` when it does not end."""
        self._ready = False
        if self._process is not None:
            self._process.end()
            self._process = None

    @contextmanager
    def administrator(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A session of the administrator; every statement is a transaction."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_folder), user=ADMINISTRATOR, dbname=database, autocommit=True
        ) as session:
            yield session

    def back_up(self, destination: Path) -> None:
        """A copy of all files that a server can be started on, consistent as of the end of the copying.

        Raises `DataServerError`.
        """
        command = [
            str(program("pg_basebackup")), "--host", str(self.socket_folder), "--username", ADMINISTRATOR,
            "--pgdata", str(destination), "--wal-method", "fetch", "--checkpoint", "fast", "--no-sync",
            "--no-manifest", "--no-password",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            message = f"the files could not be copied: {done.stderr.strip()[-500:]}"
            raise DataServerError(message)


def _is_ready(status: Path) -> bool:
    try:
        lines = status.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def _first_number(status: Path) -> int:
    """The process id in a postmaster.pid; 0 when there is no such file."""
    try:
        return int(status.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return 0


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is a server on these files: its id may have been given to another."""
    listed = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return str(data).encode() in listed.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False
    found = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return str(data) in found.stdout


def _complaint(said: str) -> str:
    lines = said.splitlines() or ["it said nothing"]
    grave = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (grave or lines)[-1]
