"""The job that asks, in the application's namespace: it gets the application's own login there, and nobody else sees it."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.health.vitals import asking
from ils_pipelines.operations.health.vitals.answers import Answers, answers_in
from ils_pipelines.operations.live import ApiUnavailable
from ils_pipelines.operations.scope import Scope
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.names import APP_NAME, CONFIG_NAME, MANAGED_BY, SECRET_NAME
from ils_pipelines.release.objects import NAMESPACE, NETWORK_POLICY, Ref, ref_of
from ils_pipelines.release.settings import SERVICE_PORT
from ils_pipelines.targets.errors import TargetUnavailable
from ils_pipelines.targets.job_manifest import LABELS
from ils_pipelines.targets.job_objects import delete_job
from ils_pipelines.targets.jobs import ClusterJob, JobFailed, JobRunner, KeyOf

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

POLICY = "ils-vitals"
_START, _RUN, _KEPT = timedelta(seconds=90), timedelta(minutes=3), timedelta(minutes=10)
"""Until it begins, its image pulled; from when it was made to its end; after that, if it failed."""


@dataclass
class Vitals:
    """One look: whoever wants an answer waits for the one job. May be used from threads."""

    target: Target
    jobs: JobRunner
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _found: Answers | ApiUnavailable | None = None

    def answers(self) -> Answers:
        """Raises `ApiUnavailable` when nobody could be asked."""
        with self._lock:
            if self._found is None:
                try:
                    self._found = self._ask()
                except ApiUnavailable as unavailable:
                    self._found = unavailable
        if isinstance(self._found, ApiUnavailable):
            raise self._found
        return self._found

    def _ask(self) -> Answers:
        from botocore.exceptions import BotoCoreError, ClientError
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        from ils_pipelines.errors import IlsError

        environment = self.target.environment
        lines: list[str] = []
        job = vitals_job(self.target)
        try:
            with self.target.kubernetes(Scope(environment.name).name) as api:
                _let_out(Cluster(api), environment)
                self.jobs(api, job, on_line=lines.append)
                _take_away(api, job)
        except ApiException as error:
            raise ApiUnavailable(f"asking from inside the cluster: {error.status} {error.reason}") from None
        except JobFailed as failed:
            raise ApiUnavailable(str(failed)) from None
        except (IlsError, BotoCoreError, ClientError, HTTPError) as error:
            raise ApiUnavailable(f"asking from inside the cluster: {error}") from error
        found = answers_in(lines)
        if found is None:
            said = "; ".join(lines[-3:]) or "nothing"
            raise ApiUnavailable(f"expected the answers of the job {job.name}, found that it said {said}")
        return found


def vitals_job(target: Target) -> ClusterJob:
    """What of the application's configuration it needs, and no more."""
    environment = target.environment
    app = environment.app
    paths = list(dict.fromkeys((app.liveness.path, app.readiness.path)))
    variables = {
        asking.AUTHORITIES: _authorities(target),
        asking.SERVICE: f"http://{APP_NAME}.{app.namespace}.svc.cluster.local:{SERVICE_PORT}",
        asking.PATHS: json.dumps(paths),
    }
    return ClusterJob(
        name=f"vitals-{uuid.uuid4().hex[:12]}",
        namespace=app.namespace,
        image=environment.backup.image,
        command=("ils", "cluster-job", "vitals"),
        variables=variables,
        taken={
            **{name: KeyOf(CONFIG_NAME, name) for name in (asking.REDIS_HOST, asking.REDIS_PORT)},
            **{name: KeyOf(SECRET_NAME, name, secret=True) for name in (asking.DATABASE_URL, asking.REDIS_AUTH_TOKEN)},
        },
        cpu="250m",
        memory="256Mi",
        scratch="16Mi",
        timeout=_RUN,
        start_timeout=_START,
        kept=_KEPT,
    )


def _authorities(target: Target) -> str:
    """Those that may vouch for the environment's cache, as PEM; empty where nobody named any.

    The file of them all is longer than a variable may be: without RDS's own of each region, what is left is short.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        content = target.data_authorities().read_bytes()
    except TargetUnavailable:
        return ""
    kept = (
        each for each in x509.load_pem_x509_certificates(content) if "Amazon RDS" not in each.subject.rfc4514_string()
    )
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in kept)


def _let_out(cluster: Cluster, environment: Environment) -> None:
    """Nobody in the namespace talks to anybody unless it is said. Raises `ApiUnavailable` where there is no release."""
    namespace = environment.app.namespace
    if cluster.get(Ref(NAMESPACE.api_version, NAMESPACE.kind, "", namespace)) is None:
        raise ApiUnavailable(
            f"there is no release in {environment.name} yet, whose login and configuration are what is asked with"
        )
    wanted = policy(environment)
    ref = ref_of(NETWORK_POLICY, wanted)
    found = cluster.get(ref)
    if found is None or found["spec"] != wanted["spec"]:
        cluster.apply(ref, wanted, force=True)


def policy(environment: Environment) -> dict[str, Any]:
    """Of the job's pod alone: to database, cache, the application's pods and DNS. It is not in the release, whose objects
    bear the environment's label, and it goes with the namespace."""
    app = environment.app
    data = [{"ipBlock": {"cidr": str(cidr)}} for cidr in environment.network.private_subnets]
    system = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    metadata = {"name": POLICY, "namespace": app.namespace, "labels": {MANAGED_BY: LABELS[MANAGED_BY]}}
    spec = {
        "podSelector": {"matchLabels": dict(LABELS)},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": data, "ports": [_port(environment.database.port)]},
            {"to": data, "ports": [_port(environment.cache.port)]},
            {"to": [{"podSelector": {}}], "ports": [_port(app.port)]},
            {"to": system, "ports": [_port(53, "UDP"), _port(53)]},
        ],
    }
    return {"apiVersion": NETWORK_POLICY.api_version, "kind": NETWORK_POLICY.kind, "metadata": metadata, "spec": spec}


def _port(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"protocol": protocol, "port": number}


def _take_away(api: Any, job: ClusterJob) -> None:
    """One that failed is kept a while, for its log."""
    from kubernetes.client import BatchV1Api

    delete_job(BatchV1Api(api), job)
