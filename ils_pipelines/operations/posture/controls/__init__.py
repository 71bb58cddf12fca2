"""The controls as data, by layer: what each asks for, how bad it is when it does not hold, and what to do then.

The numbers are those of the product's list of 45 rows; ids beginning with CKV are checkov's, the others are those of the
AWS Foundational Security Best Practices standard. The remedies name settings of the environment file where there are any.
"""

from __future__ import annotations

from ils_pipelines.operations.posture.controls.application import APPLICATION
from ils_pipelines.operations.posture.controls.cluster import CLUSTER
from ils_pipelines.operations.posture.controls.database import DATABASE
from ils_pipelines.operations.posture.controls.edge import EDGE
from ils_pipelines.operations.posture.controls.keeping import KEEPING
from ils_pipelines.operations.posture.controls.network import NETWORK
from ils_pipelines.operations.posture.controls.stores import STORES
from ils_pipelines.operations.posture.models import Control

CONTROLS: tuple[Control, ...] = tuple(
    sorted(
        (*NETWORK, *CLUSTER, *DATABASE, *STORES, *EDGE, *KEEPING, *APPLICATION),
        key=lambda control: control.number,  # stable: controls of one row stay as they are written
    )
)
"""In the order of their numbers."""
