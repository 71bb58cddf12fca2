"""Where the sandbox keeps what it knows about itself, and what it tells those who want to reach it.

<state>/                 ILS_STATE_DIR, else `.ils` beside the environments directory
  stacks/                checkpoints of the embedded engine
  sandbox/
    lock                 held by the supervisor for as long as it lives; holds its process id
    sandbox.json         endpoints, written once everything answers, removed at the end
    ports.json           the ports of the last start, taken again when they are free
    logs/                one file per process
    aws/  kubernetes/    what the emulated accounts and clusters contain
    data/                what the databases and caches hold
    tls/                 the sandbox's own certificate authority and server certificate
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

STATE_VARIABLE = "ILS_STATE_DIR"


def state_directory() -> Path:
    """The folder of everything local: `ILS_STATE_DIR`, else `.ils` beside the environments directory."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    from ils_pipelines.settings.loading import environments_directory

    return environments_directory().resolve().parent / ".ils"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AwsEndpoint(_Model):
    endpoint: str
    """`http://127.0.0.1:<port>`"""
    pid: int


class KubernetesEndpoint(_Model):
    endpoint: str
    """`https://127.0.0.1:<port>`; a cluster's API is below `/clusters/<name>`."""
    ca_file: Path
    """The certificate authority that signed the server's certificate."""
    pid: int


class DataEndpoint(_Model):
    endpoint: str
    """`http://127.0.0.1:<port>` of the control API; where databases answer, RDS and ElastiCache say."""
    ca_file: Path
    """The certificate authority that signed what databases and caches show."""
    pid: int


class SandboxState(_Model):
    """A running sandbox: everything it names answered when this was written."""

    pid: int
    """The supervisor's process id."""
    started_at: datetime
    aws: AwsEndpoint
    data: DataEndpoint
    kubernetes: KubernetesEndpoint | None = None
    """None when the sandbox was started without Kubernetes."""

    @classmethod
    def load(cls, directory: Path) -> SandboxState | None:
        """The running sandbox of the state folder `directory` (as of `state_directory`), None when it is down.

        A file left by a sandbox that was killed, or by a machine that was switched off, counts as down: the supervisor
        holds a lock for as long as it lives, and the kernel releases it whatever the end.
        """
        files = SandboxFiles(directory)
        if lock_holder(files.lock) is None:
            return None
        try:
            return cls.model_validate_json(files.state.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


class SandboxFiles:
    """The paths below one state folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sandbox = directory / "sandbox"
        self.lock = self.sandbox / "lock"
        self.state = self.sandbox / "sandbox.json"
        self.ports = self.sandbox / "ports.json"
        self.logs = self.sandbox / "logs"
        self.aws = self.sandbox / "aws"
        self.kubernetes = self.sandbox / "kubernetes"
        self.databases = self.sandbox / "data"
        self.tls = self.sandbox / "tls"
        self.stacks = directory / "stacks"

    def make(self) -> None:
        """Make the folders that only their owner may enter. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in (self.sandbox, self.logs):
            folder.mkdir(exist_ok=True, mode=0o700)

    @property
    def data(self) -> tuple[Path, ...]:
        """What `reset` deletes: the emulated world, and the checkpoints, which describe that world."""
        return (self.aws, self.kubernetes, self.databases, self.stacks)


def lock_holder(lock: Path) -> int | None:
    """Process id of the supervisor that holds `lock`, None when nobody does. 0 while it has not written its id yet."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        try:
            # Shared, so that two who only look never stand in each other's way.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(descriptor, 20) or b"0")
        return None
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: a reader, or the next start after a crash, sees the old bytes or the new ones.

    Only the owner may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def last_error(log: Path, after: int = 0) -> str:
    """The message of the last error in a log (from byte `after` on), or else its last line."""
    with log.open("rb") as stream:
        stream.seek(after)
        lines = stream.read().decode(errors="replace").strip().splitlines()
    errors = [line.partition(" ERROR ")[2] for line in lines if " ERROR " in line]
    return (errors or lines or ["it said nothing"])[-1]
