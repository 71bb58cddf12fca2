"""The code location: everything that Dagster knows of, put together. Wiring only."""

from dagster import Definitions

from ils_pipelines.defs.approval import approve_plan
from ils_pipelines.defs.backup import BACKUP_ASSETS, BACKUP_JOBS, BACKUP_SCHEDULES, backup_checks
from ils_pipelines.defs.certificates import CERTIFICATES
from ils_pipelines.defs.costs import COSTS, MONTHLY_COSTS
from ils_pipelines.defs.drift import DRIFT
from ils_pipelines.defs.drill import dr_drill, drill_job, drill_schedules, sweep_drills, sweep_schedules
from ils_pipelines.defs.environments import environment_files
from ils_pipelines.defs.expiry import expired_environments
from ils_pipelines.defs.health import HEALTH
from ils_pipelines.defs.jobs import OP_JOBS, provision_environment
from ils_pipelines.defs.layers import LAYER_ASSETS
from ils_pipelines.defs.looks import Looks
from ils_pipelines.defs.notifications import AUDIT, notifications
from ils_pipelines.defs.plan_report import PLAN_ASSET
from ils_pipelines.defs.posture import POSTURE
from ils_pipelines.defs.promotion import promote_release
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.restore import restore_environment
from ils_pipelines.defs.rollback import roll_back_release
from ils_pipelines.defs.rotation import rotate_secrets
from ils_pipelines.defs.scaling import office_hours_schedules, scale_environment
from ils_pipelines.defs.scans import scan_definitions
from ils_pipelines.defs.step_jobs import step_executor
from ils_pipelines.defs.upgrade import cluster_upgrade, database_upgrade, maintenance_schedules, node_refresh

SCANS = (
    scan_definitions(POSTURE),
    scan_definitions(DRIFT),
    scan_definitions(HEALTH),
    scan_definitions(CERTIFICATES),
    scan_definitions(COSTS),
    scan_definitions(MONTHLY_COSTS),
)

defs = Definitions(
    assets=[*LAYER_ASSETS, PLAN_ASSET, AUDIT, dr_drill, *(scan.report for scan in SCANS), *BACKUP_ASSETS],
    asset_checks=[*(scan.checks for scan in SCANS), backup_checks],
    jobs=[
        provision_environment,
        *OP_JOBS,
        approve_plan,
        roll_back_release,
        promote_release,
        scale_environment,
        rotate_secrets,
        restore_environment,
        drill_job,
        sweep_drills,
        cluster_upgrade,
        node_refresh,
        database_upgrade,
        *BACKUP_JOBS,
        *(scan.job for scan in SCANS),
    ],
    schedules=[
        *(schedule for scan in SCANS for schedule in scan.schedules),
        *BACKUP_SCHEDULES,
        *office_hours_schedules,
        *drill_schedules,
        *sweep_schedules,
        *maintenance_schedules,
    ],
    sensors=[environment_files, expired_environments, notifications],
    resources={"targets": EnvironmentTargets(), "looks": Looks()},
    executor=step_executor,
)
