"""The clusters of one server: making, upgrading and deleting them, with the controllers that each one runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.postgres.programs import install_programs
from ils_sandbox.kubernetes.container_logs import ContainerLogs
from ils_sandbox.kubernetes.controllers.catalog import controllers
from ils_sandbox.kubernetes.controllers.cleaning import furnish
from ils_sandbox.kubernetes.controllers.runner import Runner
from ils_sandbox.kubernetes.controllers.target_groups import Registrar
from ils_sandbox.kubernetes.images import ImageOutcomes
from ils_sandbox.kubernetes.kinds import NAMESPACE, SERVICE
from ils_sandbox.kubernetes.listing import Continuations
from ils_sandbox.kubernetes.pod_network import PodNetwork
from ils_sandbox.kubernetes.processes import PROGRAMS, HostProcesses
from ils_sandbox.kubernetes.registry import Registry, Write
from ils_sandbox.kubernetes.services import Services
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Cluster, Database
from ils_sandbox.kubernetes.surroundings import Surroundings
from ils_sandbox.kubernetes.watching import Watches

_NAME = re.compile(r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$")
"""As EKS allows them."""
_VERSION = re.compile(r"^1\.\d{2}$")
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass
class Running:
    registry: Registry
    continuations: Continuations
    surroundings: Surroundings
    runner: Runner
    task: asyncio.Task[None]


class Clusters:
    """Must be used inside a running event loop."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        watches: Watches,
        registrar: Registrar | None = None,
        aws_endpoint: str | None = None,
        authority: Path | None = None,
    ) -> None:
        self._directory = directory
        self._database = Database(directory / "kubernetes.sqlite")
        self._settings = settings
        self._watches = watches
        self._registrar = registrar
        self._aws_endpoint = aws_endpoint
        self._authority = authority
        self._running: dict[str, Running] = {}

    def start(self) -> None:
        with suppress(DataServerError):  # without the wheels there is no database to use the programs on
            install_programs(self._directory / PROGRAMS)
        for cluster in self._database.load().values():
            self._run(cluster)

    async def stop(self) -> None:
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._registrar is not None:
            self._registrar.stop()
        for running in self._running.values():
            await running.surroundings.processes.close()
        await asyncio.gather(*(running.surroundings.services.close() for running in self._running.values()))
        self._database.close()

    def names(self) -> Iterator[str]:
        yield from sorted(self._running)

    def find(self, name: str) -> Running | None:
        return self._running.get(name)

    def get(self, name: str) -> Running:
        running = self._running.get(name)
        if running is None:
            raise ApiError(404, "NotFound", f'there is no cluster "{name}" in this sandbox')
        return running

    def put(self, name: str, version: str) -> Registry:
        """Make a cluster, or set the version of one. Raises ValueError for a name or version that EKS would refuse."""
        if not _NAME.match(name):
            raise ValueError(f"a cluster's name has 1 to 100 letters, digits, hyphens and underscores, found {name!r}")
        if not _VERSION.match(version):
            raise ValueError(f"a version looks like 1.35, found {version!r}")
        if name in self._running:
            registry = self._running[name].registry
            if registry.cluster.version != version:
                self._database.set_version(registry.cluster, version)
            return registry
        registry = self._run(self._database.create_cluster(name, version))
        for namespace in _NAMESPACES:
            registry.create(NAMESPACE, "", {"metadata": {"name": namespace}}, Write(manager="kube-apiserver"))
            furnish(registry, namespace)
        service = {
            "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": 443}]},
        }
        registry.create(SERVICE, "default", service, Write(manager="kube-apiserver"))
        return registry

    async def delete(self, name: str) -> None:
        """Delete a cluster with everything in it; nothing happens when there is none."""
        running = self._running.pop(name, None)
        if running is None:
            return
        self._watches.close_cluster(running.registry.cluster)
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
        await running.surroundings.processes.close()
        await running.surroundings.services.close()
        self._database.delete_cluster(name)
        for folder in ("homes", "logs"):
            rmtree(self._directory / folder / name, ignore_errors=True)

    def _run(self, cluster: Cluster) -> Registry:
        registry = Registry(cluster)
        processes = HostProcesses(
            self._directory / "homes" / cluster.name,
            ContainerLogs(self._directory / "logs" / cluster.name),
            aws_endpoint=self._aws_endpoint,
        )
        images = ImageOutcomes()
        network = PodNetwork(cluster, images, self._authority)
        surroundings = Surroundings(self._settings, processes, images, network, Services(cluster, network))
        runner = Runner(cluster, controllers(registry, surroundings, self._registrar))
        task = asyncio.get_running_loop().create_task(runner.run(), name=f"controllers of {cluster.name}")
        self._running[cluster.name] = Running(registry, Continuations(), surroundings, runner, task)
        return registry
