"""Values for Dagster's own chart, where Dagster runs in an environment's cluster: deploy/helm's, with its own in place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ils_pipelines.release.export.plain import as_yaml

if TYPE_CHECKING:
    from ils_pipelines.release.settings import DatabaseEndpoint
    from ils_pipelines.settings.dagster import DagsterHome
    from ils_pipelines.settings.environment import Environment

_HEAD = """\
# Values of Dagster's chart for {environment}; written by `ils export {environment} --format dagster`
# from deploy/helm/values.yaml and what the layers put out. The database's password is in Secret {secret}, in no file.
"""


def dagster_values(
    environment: Environment, home: DagsterHome, database: DatabaseEndpoint, shipped: Mapping[str, Any]
) -> str:
    """The file. `shipped` is deploy/helm/values.yaml."""
    values = copy.deepcopy(dict(shipped))
    image = {**values["dagsterWebserver"]["image"], **_image(home.image)}
    for server in (values["dagsterWebserver"], values["dagsterDaemon"], values["pipelineRun"]):
        server["image"] = image
    for deployment in values["dagster-user-deployments"]["deployments"]:
        deployment["image"] = image
    values["postgresql"] |= {
        "postgresqlHost": database.host,
        "postgresqlDatabase": database.name,
        "service": {"port": database.port},
    }
    values["computeLogManager"]["config"]["s3ComputeLogManager"] |= {
        "bucket": home.logs_bucket,
        "region": environment.aws.region,
    }
    head = _HEAD.format(environment=environment.name, secret=values["global"]["postgresqlSecretName"])
    return head + as_yaml(values)


def _image(image: str) -> dict[str, str]:
    """As the chart has it, which puts a colon between the two."""
    folder, slash, name = image.rpartition("/")
    repository, _, tag = name.partition(":")
    return {"repository": f"{folder}{slash}{repository}", "tag": tag}
