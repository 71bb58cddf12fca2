"""The code location: everything that Dagster knows of, put together. Wiring only."""

from dagster import Definitions

from ils_pipelines.defs.executor import threaded_executor
from ils_pipelines.defs.jobs import OP_JOBS, provision_environment
from ils_pipelines.defs.layers import LAYER_ASSETS
from ils_pipelines.defs.resources import EnvironmentTargets

defs = Definitions(
    assets=LAYER_ASSETS,
    jobs=[provision_environment, *OP_JOBS],
    resources={"targets": EnvironmentTargets()},
    executor=threaded_executor,
)
