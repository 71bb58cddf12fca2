"""`python -m ils_sandbox.supervisor --state DIR`: the process that owns the sandbox's servers.

One for each state folder: it holds the lock there for as long as it lives. It starts the servers, says in sandbox.json
where they are once all of them answer, and ends them when it is told to (SIGTERM) or when one of them ends by itself.
Nothing is restarted silently: a server that died took something with it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from ils_sandbox.control.listener import PORT_TAKEN
from ils_sandbox.processes import HOST, ServerProcess, free_port
from ils_sandbox.state import (
    AwsEndpoint,
    DataEndpoint,
    KubernetesEndpoint,
    SandboxFiles,
    SandboxState,
    last_error,
    lock_holder,
    write_atomically,
)
from ils_sandbox.tls import Certificates, ensure_certificates

log = logging.getLogger("ils_sandbox.supervisor")

PREFERRED_PORTS = {"aws": 9470, "kubernetes": 9471, "data": 9472}
SECONDS_TO_ANSWER = 60.0
ALREADY_UP = 75
"""Exit code when another supervisor holds the lock (EX_TEMPFAIL)."""


class ServerFailedError(Exception):
    """A server ended, or does not answer."""


class PortTakenError(Exception):
    """Between its choice and its use, a port was taken by another process."""


class Supervisor:
    """Starts, watches and ends the servers of one state folder."""

    def __init__(self, files: SandboxFiles, *, kubernetes: bool, host_processes: bool = False) -> None:
        self._files = files
        self._kubernetes = kubernetes
        self._host_processes = host_processes
        self._servers: list[ServerProcess] = []
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code: 0 after a stop, 1 after a failure."""
        for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(
                stop, lambda number, _frame: self._events.put(f"told to stop by {signal.Signals(number).name}")
            )
        code = 0
        try:
            self._start()
            reason = self._events.get()
            if reason.startswith("told to stop"):
                log.info("%s", reason)
            else:
                log.error("%s: the sandbox goes down", reason)
                code = 1
        except ServerFailedError as error:
            log.error("%s", error)  # noqa: TRY400 the message says it all
            code = 1
        finally:
            self._end()
        return code

    def _start(self) -> None:
        started = time.monotonic()
        self._start_servers(started + SECONDS_TO_ANSWER)
        for server in self._servers:
            self._watch(server)
        write_atomically(self._files.ports, json.dumps({s.name: s.port for s in self._servers}).encode())
        write_atomically(self._files.state, self._state().model_dump_json(indent=2).encode())
        where = ", ".join(f"{server.name} {server.endpoint} (pid {server.process.pid})" for server in self._servers)
        log.info("up after %.2f s: %s", time.monotonic() - started, where)

    def _start_servers(self, deadline: float) -> None:
        """Start all servers and wait until they answer, on other ports when somebody was faster at taking one."""
        ports = self._ports()
        while True:
            tls = ensure_certificates(self._files.tls)
            if self._kubernetes:
                self._servers.append(self._start_kubernetes(ports["kubernetes"], tls, ports["aws"]))
            self._servers.append(self._start_data(ports["data"]))
            self._servers.append(self._start_aws(ports["aws"]))
            try:
                for server in self._servers:
                    self._await_answer(server, deadline)
            except PortTakenError as taken:
                log.warning("%s; trying others", taken)
                self._end_servers()
                ports = {name: free_port(0) for name in ports}
            else:
                return

    def _ports(self) -> dict[str, int]:
        """The ports of the last start or the usual ones; others where those are taken."""
        preferred = dict(PREFERRED_PORTS)
        with suppress(FileNotFoundError, ValueError):
            preferred.update(json.loads(self._files.ports.read_bytes()))
        return {name: free_port(port) for name, port in preferred.items()}

    def _start_kubernetes(self, port: int, tls: Certificates, aws_port: int) -> ServerProcess:
        arguments = ["--directory", str(self._files.kubernetes), "--tls-cert", str(tls.certificate_file)]
        arguments += ["--tls-key", str(tls.key_file), "--aws-endpoint", f"http://{HOST}:{aws_port}"]
        arguments += ["--authority", str(tls.ca_file)]  # databases and caches show certificates of this one
        arguments += ["--host-processes"] if self._host_processes else []
        return ServerProcess.start(
            "kubernetes",
            "ils_sandbox.kubernetes",
            arguments,
            port=port,
            log=self._log("kubernetes"),
            ca_file=tls.ca_file,
        )

    def _start_data(self, port: int) -> ServerProcess:
        arguments = ["--directory", str(self._files.databases), "--authority", str(self._files.tls)]
        return ServerProcess.start("data", "ils_sandbox.data", arguments, port=port, log=self._log("data"))

    def _start_aws(self, port: int) -> ServerProcess:
        arguments = ["--directory", str(self._files.aws)]
        by_name = {server.name: server for server in self._servers}
        arguments += ["--data-endpoint", by_name["data"].endpoint]
        arguments += ["--data-token-file", str(self._files.databases / "token")]
        kubernetes = by_name.get("kubernetes")
        if kubernetes is not None:
            arguments += ["--kubernetes-endpoint", kubernetes.endpoint, "--kubernetes-ca", str(kubernetes.ca_file)]
            arguments += ["--kubernetes-token-file", str(self._files.kubernetes / "token")]
        return ServerProcess.start("aws", "ils_sandbox.aws", arguments, port=port, log=self._log("aws"))

    def _log(self, name: str) -> Path:
        return self._files.logs / f"{name}.log"

    def _await_answer(self, server: ServerProcess, deadline: float) -> None:
        while not server.answers():
            self._check_interrupted()
            code = server.process.poll()
            if code is not None:
                if code == PORT_TAKEN:
                    message = f"port {server.port}, chosen for the {server.name} server, was taken meanwhile"
                    raise PortTakenError(message)
                log_file = self._log(server.name)
                message = f"the {server.name} server ended while starting: {last_error(log_file)} (see {log_file})"
                raise ServerFailedError(message)
            if time.monotonic() > deadline:
                message = (
                    f"the {server.name} server does not answer on port {server.port} after {SECONDS_TO_ANSWER:.0f} s; "
                    f"see {self._log(server.name)}"
                )
                raise ServerFailedError(message)
            time.sleep(0.02)

    def _check_interrupted(self) -> None:
        with suppress(queue.Empty):
            raise ServerFailedError(self._events.get_nowait() + " while starting")

    def _watch(self, server: ServerProcess) -> None:
        def wait() -> None:
            code = server.process.wait()
            self._events.put(
                f"the {server.name} server (pid {server.process.pid}) ended by itself, exit code {code}; "
                f"see {self._log(server.name)}"
            )

        threading.Thread(target=wait, name=f"watch-{server.name}", daemon=True).start()

    def _state(self) -> SandboxState:
        by_name = {server.name: server for server in self._servers}
        aws, data, kubernetes = by_name["aws"], by_name["data"], by_name.get("kubernetes")
        return SandboxState(
            pid=os.getpid(),
            started_at=datetime.now(UTC),
            aws=AwsEndpoint(endpoint=aws.endpoint, pid=aws.process.pid),
            data=DataEndpoint(endpoint=data.endpoint, ca_file=self._files.tls / "ca.crt", pid=data.process.pid),
            kubernetes=None
            if kubernetes is None or kubernetes.ca_file is None
            else KubernetesEndpoint(
                endpoint=kubernetes.endpoint, ca_file=kubernetes.ca_file, pid=kubernetes.process.pid
            ),
        )

    def _end(self) -> None:
        with suppress(FileNotFoundError):
            self._files.state.unlink()
        self._end_servers()
        log.info("down")

    def _end_servers(self) -> None:
        while self._servers:
            server = self._servers.pop()
            if not server.end():
                log.error("the %s server did not end in time and was killed; its newest state may be lost", server.name)


def hold_lock(lock: Path) -> int | None:
    """Take the state folder's lock for this process; its descriptor, or None when another process holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            # Those who look whether the lock is held stand in its way for an instant; a supervisor does for good.
            if lock_holder(lock) is not None:
                os.close(descriptor)
                return None
            time.sleep(0.001)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _keep_previous_logs(logs: Path) -> None:
    for name in ("aws", "data", "kubernetes"):
        with suppress(FileNotFoundError):
            (logs / f"{name}.log").replace(logs / f"{name}.previous.log")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.supervisor", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--without-kubernetes", action="store_true", help="start AWS alone")
    parser.add_argument("--host-processes", action="store_true", help="let Kubernetes jobs run their commands here")
    options = parser.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    files = SandboxFiles(options.state)
    files.make()
    if hold_lock(files.lock) is None:
        return ALREADY_UP
    with suppress(FileNotFoundError):
        files.state.unlink()  # left by a supervisor that was killed
    _keep_previous_logs(files.logs)
    kubernetes = not options.without_kubernetes and find_spec("ils_sandbox.kubernetes.__main__") is not None
    return Supervisor(files, kubernetes=kubernetes, host_processes=options.host_processes).run()


if __name__ == "__main__":
    sys.exit(main())
