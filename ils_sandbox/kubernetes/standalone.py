"""A Kubernetes server of one's own, without the rest of the sandbox: for tests, and for trying things out."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ils_sandbox.processes import HOST, ServerProcess, free_port
from ils_sandbox.tls import ensure_certificates

SECONDS_TO_ANSWER = 30.0


@dataclass(frozen=True)
class StandaloneServer:
    """A server process whose clusters are kept in `directory`. End it with `end`; it ends with this process anyway."""

    directory: Path
    server: ServerProcess

    @classmethod
    def start(cls, directory: Path, *, aws_endpoint: str = "") -> StandaloneServer:
        """Start, and return when it answers. With `aws_endpoint`, target groups there get the pods that are bound to them.
        Raises RuntimeError with the end of its log when it does not start."""
        certificates = ensure_certificates(directory / "tls")
        log = directory / "kubernetes.log"
        server = ServerProcess.start(
            "kubernetes",
            "ils_sandbox.kubernetes",
            [
                *("--directory", str(directory / "kubernetes")),
                *("--authority", str(certificates.ca_file)),
                *("--tls-cert", str(certificates.certificate_file), "--tls-key", str(certificates.key_file)),
                *(("--aws-endpoint", aws_endpoint) if aws_endpoint else ()),
            ],
            port=free_port(0),
            log=log,
            ca_file=certificates.ca_file,
        )
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not server.answers():
            if server.process.poll() is not None or time.monotonic() > deadline:
                server.end()
                raise RuntimeError(f"the Kubernetes server did not start: {log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.02)
        return cls(directory, server)

    def end(self) -> bool:
        """End it, its state saved. False when it had to be killed."""
        return self.server.end()

    def kill(self) -> None:
        """End it as a crash would."""
        self.server.process.kill()
        self.server.end()

    @property
    def ca_file(self) -> Path:
        return self.directory / "tls" / "ca.crt"

    @property
    def token(self) -> str:
        return (self.directory / "kubernetes" / "token").read_text(encoding="utf-8")

    def cluster_url(self, cluster: str) -> str:
        return f"{self.server.endpoint}/clusters/{cluster}"

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the control API: `control("GET", "requests")`. Raises RuntimeError for anything but a success."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(HOST, self.server.port, timeout=30, context=context)
        try:
            connection.request(method, f"/_sandbox/{path}", None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()}")
        return json.loads(answer) if answer else None

    def create_cluster(self, name: str, *, version: str = "1.35", nodes: int = 2) -> None:
        """A cluster with one node group."""
        self.control("PUT", f"clusters/{name}", {"version": version})
        self.control("PUT", f"clusters/{name}/nodegroups/general", {"nodes": nodes, "instance_type": "t3.medium"})

    def api_client(self, cluster: str) -> Any:
        """A `kubernetes.client.ApiClient` for one cluster."""
        from kubernetes.client import ApiClient, Configuration

        configuration = Configuration(host=self.cluster_url(cluster), api_key_prefix={"BearerToken": "Bearer"})
        configuration.api_key["BearerToken"] = self.token
        configuration.ssl_ca_cert = str(self.ca_file)
        return ApiClient(configuration)

    def kubeconfig(self, cluster: str) -> Path:
        """A kubeconfig file whose current context is the cluster; readable by its owner alone."""
        path = self.directory / f"{cluster}.kubeconfig"
        connection = {"server": self.cluster_url(cluster), "certificate-authority": str(self.ca_file)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": connection}],
            "users": [{"name": cluster, "user": {"token": self.token}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def kubectl(self, cluster: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl against a cluster; the caller looks at the return code."""

        program = Path(sys.executable).with_name("kubectl")
        return subprocess.run(
            [str(program), "--kubeconfig", str(self.kubeconfig(cluster)), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
