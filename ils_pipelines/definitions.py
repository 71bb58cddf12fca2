"""The code location: everything that Dagster knows of, put together. Wiring only."""

from dagster import Definitions

from ils_pipelines.defs.approval import approve_plan
from ils_pipelines.defs.drift import drift_checks, drift_job, drift_report_asset, drift_schedules
from ils_pipelines.defs.executor import threaded_executor
from ils_pipelines.defs.health import health_checks, health_job, health_report_asset, health_schedules
from ils_pipelines.defs.jobs import OP_JOBS, provision_environment
from ils_pipelines.defs.layers import LAYER_ASSETS
from ils_pipelines.defs.looks import Looks
from ils_pipelines.defs.posture import PostureReports, posture_checks, posture_report_asset, posture_report_job
from ils_pipelines.defs.resources import EnvironmentTargets

defs = Definitions(
    assets=[*LAYER_ASSETS, posture_report_asset, drift_report_asset, health_report_asset],
    asset_checks=[posture_checks, drift_checks, health_checks],
    jobs=[provision_environment, *OP_JOBS, approve_plan, posture_report_job, drift_job, health_job],
    schedules=[*drift_schedules, *health_schedules],
    resources={"targets": EnvironmentTargets(), "looks": Looks(), "posture_reports": PostureReports()},
    executor=threaded_executor,
)
