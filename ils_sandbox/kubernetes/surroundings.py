"""What the control API decides about one cluster, and the machine it is on, as its controllers see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ils_sandbox.kubernetes.images import ImageOutcomes
from ils_sandbox.kubernetes.metrics import Metrics
from ils_sandbox.kubernetes.pod_network import PodNetwork
from ils_sandbox.kubernetes.processes import HostProcesses
from ils_sandbox.kubernetes.services import Services
from ils_sandbox.kubernetes.settings import Settings


@dataclass(frozen=True)
class Surroundings:
    settings: Settings
    processes: HostProcesses
    images: ImageOutcomes
    network: PodNetwork
    services: Services
    metrics: Metrics = field(default_factory=Metrics)
