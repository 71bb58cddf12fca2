"""The sandbox's processes: starting servers, asking whether they answer, ending them by id."""

from __future__ import annotations

import errno
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
SECONDS_TO_END = 15.0
"""How long a server may take to save its state."""


def free_port(preferred: int) -> int:
    """`preferred` when it can be had on 127.0.0.1, else one that the system chooses."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the servers do: a port that a stopped sandbox just left counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                continue
            return int(probe.getsockname()[1])
    message = "no port is free on 127.0.0.1"
    raise OSError(errno.EADDRINUSE, message)


@dataclass(frozen=True)
class ServerProcess:
    """A server started by this process; ends with it, even when this process is killed."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    scheme: str
    ca_file: Path | None
    lifeline: int
    """Writing end of the pipe whose closing tells the server to end."""

    @classmethod
    def start(
        cls, name: str, module: str, arguments: Sequence[str], *, port: int, log: Path, ca_file: Path | None = None
    ) -> ServerProcess:
        """Start `python -m module --port PORT arguments…`, its output going to `log`."""
        reading, writing = os.pipe()
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "ils_sandbox.launch", str(reading), module, "--port", str(port), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(reading,),
                )
        finally:
            os.close(reading)
        return cls(name, process, port, "http" if ca_file is None else "https", ca_file, writing)

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    def answers(self) -> bool:
        """Whether the server says that it is well."""
        return is_healthy(self.port, self.ca_file, self.process.pid)

    def end(self) -> bool:
        """Ask the server to save and end. False when it had to be killed, and may not have saved."""
        os.close(self.lifeline)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


def is_healthy(port: int, ca_file: Path | None, pid: int, timeout: float = 10.0) -> bool:
    """Whether the server on that port is well and is the process `pid`: of two sandboxes that start at the same moment
    and choose the same port, only one has it."""
    connection: http.client.HTTPConnection
    if ca_file is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    else:
        context = ssl.create_default_context(cafile=str(ca_file))
        connection = http.client.HTTPSConnection(HOST, port, timeout=timeout, context=context)
    try:
        connection.request("GET", "/_sandbox/health")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read())["pid"] == pid
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    finally:
        connection.close()


def is_running(pid: int) -> bool:
    """Whether a process of that id exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self").exists()


def resident_megabytes(pid: int) -> float | None:
    """Memory that the process occupies; None when it cannot be told."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return None
    listed = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(listed.stdout) / 1024 if listed.stdout.strip() else None
