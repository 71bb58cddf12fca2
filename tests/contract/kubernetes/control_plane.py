"""A real Kubernetes control plane of one's own: etcd, kube-apiserver and kube-controller-manager as `make tools` builds
them, on loopback, with everything in one folder. No kubelet: `kubelet.py` says what becomes of pods.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ils_sandbox.processes import HOST, free_port
from ils_sandbox.tls import ensure_certificates

ROOT = Path(__file__).parents[3]
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
SECONDS_TO_START = 120.0
_WITHOUT = (
    "node-lifecycle-controller",  # there is no node that could go
    "node-ipam-controller",
    "cloud-node-lifecycle-controller",
    "pod-garbage-collector-controller",
)


def release() -> str:
    """The release of Kubernetes that the tools module names."""
    module = (ROOT / "tools" / "kubernetes" / "go.mod").read_text(encoding="utf-8")
    return re.search(r"^\s*k8s\.io/kubernetes v(\S+)", module, re.MULTILINE)[1]  # type: ignore[index]


def programs() -> Path | None:
    """The folder with the three executables, if `make tools` has built them."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    tools = Path(os.environ.get("ILS_TOOLS_DIR") or Path(cache) / "ils-pipelines" / "tools")
    folder = tools / f"kubernetes-{release()}" / "bin"
    return folder if all(os.access(folder / name, os.X_OK) for name in PROGRAMS) else None


@dataclass
class ControlPlane:
    directory: Path
    programs: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    port: int = field(default_factory=lambda: free_port(0))
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _lifelines: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.directory / "tls" / "ca.crt"

    def start(self) -> None:
        """Return when the API server is ready and the controllers work. Raises RuntimeError with a log's end."""
        certificates = ensure_certificates(self.directory / "tls")
        tokens = self.directory / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f"{self.token},tester,tester,system:masters\n", encoding="utf-8")
        client_port, peer_port = free_port(0), free_port(0)
        etcd, peer = f"http://{HOST}:{client_port}", f"http://{HOST}:{peer_port}"
        self._run(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}"),
            *(f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"),
            "--unsafe-no-fsync",
        )
        key = str(certificates.key_file)
        self._run(
            "kube-apiserver",
            *(f"--etcd-servers={etcd}", f"--bind-address={HOST}", f"--secure-port={self.port}"),
            *(f"--tls-cert-file={certificates.certificate_file}", f"--tls-private-key-file={key}"),
            *(f"--token-auth-file={tokens}", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.100.0.0/16"),
            *(
                f"--service-account-key-file={certificates.certificate_file}",
                f"--service-account-signing-key-file={key}",
            ),
            *(
                f"--service-account-issuer={self.url}",
                "--advertise-address=10.0.0.1",
                "--endpoint-reconciler-type=none",
            ),
        )
        self._await_ready()
        self._run(
            "kube-controller-manager",
            *(f"--kubeconfig={self.kubeconfig()}", "--leader-elect=false", f"--service-account-private-key-file={key}"),
            *(f"--root-ca-file={self.ca_file}", f"--bind-address={HOST}", f"--secure-port={free_port(0)}"),
            f"--cert-dir={self.directory / 'controllers'}",
            "--controllers=" + ",".join(["*", *(f"-{name}" for name in _WITHOUT)]),
            "--horizontal-pod-autoscaler-sync-period=1s",
            # Quotas are counted anew as often, should a kind be known later than what is counted of it.
            "--resource-quota-sync-period=5s",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
        )
        self._await("/api/v1/namespaces/default/serviceaccounts/default")

    def _run(self, program: str, *arguments: str) -> None:
        """Start a program that ends with this process, however this one ends."""
        reading, writing = os.pipe()
        self._lifelines.append(writing)
        launcher = [sys.executable, "-m", "ils_sandbox.kubernetes.container", str(reading)]
        with (self.directory / f"{program}.log").open("ab") as log:
            command = [*launcher, str(self.programs / program), *arguments]
            self._processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, pass_fds=(reading,))
            )
        os.close(reading)

    def _await_ready(self) -> None:
        self._await("/readyz")

    def _await(self, path: str) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        with self.api_client() as client:
            while True:
                try:
                    client.call_api(path, "GET", auth_settings=["BearerToken"], _preload_content=False)
                except (ApiException, HTTPError) as problem:
                    ended = [process for process in self._processes if process.poll() is not None]
                    if ended or time.monotonic() > deadline:
                        raise RuntimeError(f"{path}: {problem}; {self._logs()}") from problem
                    time.sleep(0.1)
                else:
                    return

    def _logs(self) -> str:
        logs = sorted(self.directory.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text(encoding='utf-8')[-1500:]}" for log in logs)

    def api_client(self) -> ApiClient:
        configuration = Configuration(host=self.url, api_key_prefix={"BearerToken": "Bearer"})
        configuration.api_key["BearerToken"] = self.token
        configuration.ssl_ca_cert = str(self.ca_file)
        configuration.retries = False
        return ApiClient(configuration)

    def kubeconfig(self) -> Path:
        content: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": {"server": self.url, "certificate-authority": str(self.ca_file)}}],
            "users": [{"name": "tester", "user": {"token": self.token}}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": "tester"}}],
            "current-context": "real",
        }
        path = self.directory / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def end(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for lifeline in self._lifelines:
            os.close(lifeline)
