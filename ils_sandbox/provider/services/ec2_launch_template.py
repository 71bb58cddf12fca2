"""EC2 launch templates."""

from __future__ import annotations

from typing import Any

from ils_sandbox.provider.fields import Field, block, collection, flag, flag_of, listing, mapping, number, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindMarked, ResourceType, Scope
from ils_sandbox.provider.services.ec2_network import MARKED, ec2_arn
from ils_sandbox.provider.tagging import ec2_tags, from_pairs, pairs
from ils_sandbox.provider.values import Plain

_DATA = "LaunchTemplateData"


def _data(field: Field) -> Field:
    """A field of the version's data, where it is sent and read."""
    member = field.member or field.name[0].upper() + field.name[1:]
    return Field(**{**vars(field), "member": f"{_DATA}.{member}", "source": f"Version.{_DATA}.{member}"})


def _text_flag(name: str, **row: Any) -> Field:
    """True or false that the real provider takes as a string, to tell unset from false."""
    return text(name, encode=flag_of, canonical=str.lower, **row)


_DATA_FIELDS = tuple(
    _data(field)
    for field in (
        text("imageId"),
        text("instanceType"),
        text("keyName"),
        text("userData"),
        _text_flag("ebsOptimized"),
        flag("disableApiTermination"),
        collection("vpcSecurityGroupIds", member="SecurityGroupIds"),
        block("iamInstanceProfile", text("arn"), text("name")),
        block("monitoring", flag("enabled")),
        block(
            "metadataOptions",
            text("httpEndpoint", computed=True),
            text("httpTokens", computed=True),
            number("httpPutResponseHopLimit", computed=True),
            text("httpProtocolIpv6", computed=True),
            text("instanceMetadataTags", computed=True),
            computed=True,
        ),
        listing(
            "blockDeviceMappings",
            text("deviceName"),
            text("virtualName"),
            text("noDevice"),
            block(
                "ebs",
                _text_flag("encrypted"),
                _text_flag("deleteOnTermination"),
                text("kmsKeyId"),
                text("snapshotId"),
                number("iops", computed=True),
                number("throughput", computed=True),
                number("volumeSize", computed=True),
                text("volumeType", computed=True),
            ),
        ),
        listing(
            "networkInterfaces",
            _text_flag("associatePublicIpAddress"),
            _text_flag("deleteOnTermination"),
            text("description"),
            number("deviceIndex"),
            collection("securityGroups", member="Groups"),
            text("subnetId"),
        ),
        listing(
            "tagSpecifications",
            text("resourceType"),
            mapping("tags", encode=pairs(), decode=from_pairs()),
        ),
    )
)


def _add_version(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    """Versions do not change: every change makes a new one, the default if the program says so."""
    request = scope.type.codec.request((*_DATA_FIELDS, _DESCRIPTION), new)
    answer = scope.call("create_launch_template_version", LaunchTemplateId=id_, **{_DATA: {}, **request})
    if new.get("updateDefaultVersion"):
        version = str(answer["LaunchTemplateVersion"]["VersionNumber"])
        scope.call("modify_launch_template", LaunchTemplateId=id_, DefaultVersion=version)


def _set_default(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    if new.get("defaultVersion"):
        scope.call("modify_launch_template", LaunchTemplateId=id_, DefaultVersion=str(new["defaultVersion"]))


_DESCRIPTION = text("description", member="VersionDescription", source="Version.VersionDescription")

LAUNCH_TEMPLATE = ResourceType(
    name="aws:ec2/launchTemplate:LaunchTemplate",
    service="ec2",
    inputs=(
        text("name", member="LaunchTemplateName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        _DESCRIPTION,
        flag("updateDefaultVersion", sent=False, returned=False),
        number("defaultVersion", computed=True, sent=False, source="DefaultVersionNumber"),
        *_DATA_FIELDS,
    ),
    outputs=(text("arn", returned=False), number("latestVersion", source="LatestVersionNumber")),
    naming=AutoName(prefix_property="namePrefix", longest=128),
    tagging=ec2_tags("launch-template"),
    create=lambda scope, _inputs, request: dict(
        scope.call("create_launch_template", **{_DATA: {}, **request})["LaunchTemplate"]
    ),
    idempotency_member="ClientToken",
    id="LaunchTemplateId",
    read=Call("describe_launch_templates", {"LaunchTemplateIds": ["$id"]}, "LaunchTemplates[0]"),
    missing=frozenset({"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.NotFoundException"}),
    details=(
        Detail(
            "Version",
            Call(
                "describe_launch_template_versions",
                {"LaunchTemplateId": "$id", "Versions": ["$to_string(latestVersion)"]},
                "LaunchTemplateVersions[0]",
            ),
        ),
    ),
    derived=ec2_arn("launch-template"),
    updates=(
        Custom(frozenset({"description", *(f.name for f in _DATA_FIELDS)}), _add_version),
        Custom(frozenset({"defaultVersion"}), _set_default),
    ),
    delete=Call("delete_launch_template", {"LaunchTemplateId": "$id"}),
    find=FindMarked(Call("describe_launch_templates", {"Filters": MARKED}, "LaunchTemplates"), "LaunchTemplateId"),
)

TYPES = (LAUNCH_TEMPLATE,)
