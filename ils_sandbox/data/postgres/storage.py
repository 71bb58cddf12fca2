"""The files of one cluster: made, started on, copied, and brought back to what they were at a moment.

<folder>/
  pg/                 what the server works on
  wal/                the write-ahead log it archived, as far back as anybody may go in time
  bases/<time>/       what going back in time starts from; <time>, in microseconds, is the first moment it leads to
  incoming/           while it goes back in time: the write-ahead log of the cluster it comes from
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ils_sandbox.data.postgres.roles import prepare_database
from ils_sandbox.data.postgres.server import PostgresServer
from ils_sandbox.data.postgres.template import ensure_template
from ils_sandbox.data.records import Login
from ils_sandbox.data.trees import copy_tree, link_tree

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEGMENT = re.compile(r"^[0-9A-F]{24}$")
_TIMELINE_DIGITS = 8
"""Of a segment's name, at the beginning. What follows grows over all timelines."""
_FIRST_NEEDED = re.compile(r"^START WAL LOCATION: .*\(file ([0-9A-F]{24})\)", re.MULTILINE)


class Storage:
    """Blocking; one call at a time."""

    def __init__(self, folder: Path, *, template: Path, socket_folder: Path) -> None:
        self._folder = folder
        self._template = template
        self.server = PostgresServer(folder / "pg", socket_folder, folder / "server.log")

    @property
    def _files(self) -> Path:
        return self._folder / "pg"

    @property
    def _archive(self) -> Path:
        return self._folder / "wal"

    def make_empty(self, login: Login, database: str | None) -> None:
        """Files of a new cluster, with its administrator and its database, and a server on them."""
        self._clear()
        template = ensure_template(self._template)
        copy_tree(template, self._files)
        self.start()
        prepare_database(self.server, login, database)
        # The template outlives every cluster.
        self._bases.mkdir()
        (self._bases / str(_microseconds(datetime.now(UTC)))).symlink_to(template)

    def make_from_copy(self, source: Path) -> None:
        """Files as they are in `source`: a copy that a server wrote (`back_up`), and that never changes."""
        self._clear()
        copy_tree(source, self._files)
        self._keep_base(source)

    def start(self) -> None:
        """Have the server run."""
        if not self.server.running:
            self.server.start(self._archive)

    def back_up(self, destination: Path) -> None:
        """Write a copy of the files to `destination`, which appears once it is complete."""
        self.start()
        part = destination.with_name(f"{destination.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        self.server.back_up(part)
        part.rename(destination)

    def keep_base(self, copy: Path) -> None:
        """Let going back in time also start from a copy that was written a moment ago (`back_up`) and never changes."""
        if self._bases.is_dir():
            self._keep_base(copy)

    @property
    def newest_base(self) -> datetime | None:
        """When it was complete; None while there is none."""
        return max(self._kept_bases(), default=None) if self._bases.is_dir() else None

    def prune(self, retention: timedelta, now: datetime | None = None) -> None:
        """Delete what nobody needs who goes back by no more than `retention`: bases, and the write-ahead log before them.

        A base is needed while there is none that is newer and old enough itself. Broken off, it goes on the next time.
        """
        if not self._bases.is_dir():
            return
        earliest = (now or datetime.now(UTC)) - retention
        bases = self._kept_bases()
        first = max((base for base in bases if base <= earliest), default=bases[0])
        for base in bases:
            if base < first:
                _remove(self._bases / str(_microseconds(base)))
        label = self._bases / str(_microseconds(first)) / "backup_label"
        # A base that was copied from a server at rest has none, and needs the log from the very beginning.
        needed = _FIRST_NEEDED.search(label.read_text()) if label.exists() else None
        if needed is not None:
            for segment in self._archive.iterdir():
                if _SEGMENT.match(segment.name) and _position(segment.name) < _position(needed[1]):
                    segment.unlink(missing_ok=True)

    def make_from_past(self, source: Storage, moment: datetime | None) -> None:
        """Files as those of `source` were at a moment: everything committed up to then, and nothing since.

        PostgreSQL's own recovery: a base from before, and the write-ahead log replayed until the moment. None is now.
        """
        source.start()
        with source.server.administrator() as session:
            # A commit after the moment shows the recovery that it has reached it.
            session.execute("SELECT pg_current_xact_id()")
            session.execute("SELECT pg_switch_wal()")
        base = source._base_before(moment)
        self._clear()
        copy_tree(source._bases / str(_microseconds(base)), self._files)
        incoming = self._folder / "incoming"
        _collect_log(source, incoming)
        (self._files / "recovery.signal").touch(mode=0o600)
        settings = {
            "restore_command": f'cp "{incoming}/%f" "%p"',
            "recovery_target_timeline": "latest",
            "recovery_target_action": "promote",
        }
        if moment is not None:
            # Before the first base nobody had been let in: what there was is what the base leads to.
            settings["recovery_target_time"] = max(moment, base).astimezone(UTC).isoformat(sep=" ")
        self.server.start(self._archive, settings)
        shutil.rmtree(incoming)
        part = self._folder / "base.part"
        self.server.back_up(part)
        self._keep_base(part)
        shutil.rmtree(part)

    def stop(self) -> None:
        self.server.stop()

    def delete(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(self.server.socket_folder, ignore_errors=True)

    def _clear(self) -> None:
        """Remove what an attempt that was broken off left."""
        self.stop()
        for name in ("pg", "wal", "bases", "incoming", "base.part"):
            shutil.rmtree(self._folder / name, ignore_errors=True)

    @property
    def _bases(self) -> Path:
        return self._folder / "bases"

    def _keep_base(self, files: Path) -> None:
        """Keep files, which never change, as what going back in time to a moment from now on starts from."""
        part = self._bases / "part"
        shutil.rmtree(part, ignore_errors=True)
        link_tree(files, part)
        part.rename(self._bases / str(_microseconds(datetime.now(UTC))))

    def _base_before(self, moment: datetime | None) -> datetime:
        """When the newest base that is older than the moment was complete, or else the first one."""
        bases = self._kept_bases()
        return max((base for base in bases if moment is None or base <= moment), default=bases[0])

    def _kept_bases(self) -> list[datetime]:
        names = [entry.name for entry in self._bases.iterdir() if entry.name.isdigit()]
        return sorted(_EPOCH + timedelta(microseconds=int(name)) for name in names)


def _remove(base: Path) -> None:
    """The first one is a link to the template of all clusters."""
    if base.is_symlink():
        base.unlink()
    else:
        shutil.rmtree(base)


def _position(segment: str) -> str:
    return segment[_TIMELINE_DIGITS:]


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _collect_log(source: Storage, incoming: Path) -> None:
    """Gather the write-ahead log of a running cluster.

    What is not archived yet comes first: a segment that is archived and overwritten meanwhile is then found archived.
    """
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    for segment in (source._files / "pg_wal").iterdir():
        if _SEGMENT.match(segment.name) or segment.suffix == ".history":
            with suppress(FileNotFoundError):
                shutil.copyfile(segment, incoming / segment.name)
    for archived in source._archive.iterdir():
        if _SEGMENT.match(archived.name) or archived.suffix == ".history":
            (incoming / archived.name).unlink(missing_ok=True)
            # A link will do: what is archived never changes.
            os.link(archived, incoming / archived.name)
