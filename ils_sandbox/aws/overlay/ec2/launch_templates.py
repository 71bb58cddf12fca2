"""Launch templates: moto mixes the template's own tags into those of the instances it describes."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World


def describe_launch_template_versions(call: Call, world: World) -> Result:
    result = world.forward(call)
    for version in result.get("LaunchTemplateVersions", []):
        data = version.get("LaunchTemplateData", {})
        specifications = data.pop("TagSpecifications", None) or []
        kept = [entry for entry in specifications if entry["ResourceType"] != "launch-template"]
        if kept:
            data["TagSpecifications"] = kept
    return result


ROUTES: Routes = {"DescribeLaunchTemplateVersions": describe_launch_template_versions}
