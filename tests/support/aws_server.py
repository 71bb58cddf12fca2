"""The AWS server of the sandbox as a process of its own, and clients for it."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
SECONDS_TO_ANSWER = 60.0


@dataclass
class AwsServer:
    """One server process and its directory; can be started again."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    arguments: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def start(self) -> AwsServer:
        self.directory.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "ils_sandbox.aws", "--port", str(self.port), "--directory"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.directory / "data"), *self.arguments], stdout=log, stderr=log
            )
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        try:
            self.control("GET", "health")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def client(self, service: str, region: str = REGION, **config: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32, **config),
        )

    def control(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """A call of the control API; its answer as JSON. Fails unless the status is as expected (else: 2xx)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/_sandbox/{path}", None if body is None else json.dumps(body))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.status == expect if expect else response.status < 300, (response.status, content)
        return json.loads(content) if content else None

    def recorded(self) -> list[tuple[str, str]]:
        """Service and operation of each call since the recording was last cleared."""
        return [(request["service"], request["operation"]) for request in self.control("GET", "requests")]
