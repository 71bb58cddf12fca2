"""What containers wrote, line by line with the time of each: kept in files, and followed while it is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

Line = tuple[str, str]
"""When it was written, and its text."""


@dataclass
class ContainerLog:
    """The log of one run of one container."""

    path: Path
    ended: bool = True
    """Nothing more will be written."""
    _followers: set[asyncio.Event] = field(default_factory=set)
    _rest: bytes = b""
    _last: int = 0

    def lines(self) -> list[Line]:
        return self._read(0)[0]

    def _read(self, offset: int) -> tuple[list[Line], int]:
        """Lines from a place in the file on, and the place after them."""
        if not self.path.exists():
            return [], offset
        with self.path.open("rb") as file:
            file.seek(offset)
            content = file.read()
        stamped = (line.decode().partition(" ") for line in content.split(b"\n")[:-1])
        return [(at, text) for at, _, text in stamped], offset + len(content)

    def write(self, chunk: bytes) -> None:
        """Take what a container wrote; what follows its last newline waits for the rest of the line."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._append(lines)

    def end(self) -> None:
        self._append([self._rest] if self._rest else [])
        self._rest = b""
        self.ended = True
        self._tell()

    def _append(self, lines: list[bytes]) -> None:
        if lines:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write("".join(f"{self._moment()} {line.decode(errors='replace')}\n" for line in lines))
            self._tell()

    def _moment(self) -> str:
        """The time in nanoseconds, as runtimes write it, later for every line: readers tell lines apart by it."""
        self._last = max(time.time_ns(), self._last + 1)
        seconds, fraction = divmod(self._last, 10**9)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"

    def _tell(self) -> None:
        for follower in self._followers:
            follower.set()

    async def follow(self, closed: asyncio.Event) -> AsyncIterator[Line]:
        """Every line, from the first on, until the run has ended or the server closes."""
        more = asyncio.Event()
        self._followers.add(more)
        closing = asyncio.ensure_future(closed.wait())
        offset = 0
        try:
            while not closing.done():
                more.clear()
                ended = self.ended
                lines, offset = self._read(offset)
                for line in lines:
                    yield line
                if ended:
                    return
                waiting = asyncio.ensure_future(more.wait())
                await asyncio.wait((waiting, closing), return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
        finally:
            closing.cancel()
            self._followers.discard(more)


class ContainerLogs:
    """The logs of the containers of one cluster. Only containers that ran as processes have one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[Path, ContainerLog] = {}

    def begin(self, pod_uid: str, container: str) -> ContainerLog:
        """The log of the next run of a container."""
        folder = self._directory / pod_uid / container
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{len(list(folder.iterdir()))}.log"
        path.touch(mode=0o600)
        log = self._open[path] = ContainerLog(path, ended=False)
        return log

    def find(self, pod_uid: str, container: str, *, previous: bool = False) -> ContainerLog | None:
        """The log of the last run, or of the one before; None when there was none."""
        folder = self._directory / pod_uid / container
        runs = len(list(folder.iterdir())) if folder.is_dir() else 0
        number = runs - (2 if previous else 1)
        path = folder / f"{number}.log"
        return None if number < 0 else self._open.get(path) or ContainerLog(path)

    def forget(self, pod_uid: str) -> None:
        """Delete what the pod's containers wrote, with the pod."""
        folder = self._directory / pod_uid
        self._open = {path: log for path, log in self._open.items() if folder not in path.parents}
        if folder.is_dir():
            rmtree(folder)
