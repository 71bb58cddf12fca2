"""Environments whose file says `requires_approval` are changed only as a plan that somebody looked at and approved.

What is approved is the plan of the whole environment, by its digest, which is compared before the first change. While it
is applied, each layer is held to its own part of it once more, as what was unknown of the layers below has become known:
see `ils_pipelines.engine.covering`. An approval holds for the code and the file that the plan was made from, for a limited
time, and for one run. What a run left undone, interrupted or refused midway, needs an approval of its own: an environment
that is half changed is to be looked at first, and what is left is a shorter plan.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ils_pipelines.engine.covering import deviations
from ils_pipelines.engine.models import Plan
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.approval_log import Approval, ApprovalLog, RecordedApproval, Use
from ils_pipelines.provisioning.code_version import CodeVersion, code_version
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.account import caller_identity
from ils_pipelines.targets.protocol import Target

SHOWN_DIGITS = 16
"""Of a digest of 64 hexadecimal digits; enough to name one, and as many as an approval must give."""
PROJECT_PREFIX = "ils-"
"""Of a layer's Pulumi project."""
LONGEST_NAME = 100
LONGEST_REASON = 1000
MAX_LINES = 20
"""Of a difference; what is more is counted."""


class NotApproved(IlsError):
    """What would be done has not been approved. Nothing was changed."""


class ApprovalRefused(IlsError):
    """What somebody wanted to approve cannot be. Nothing was recorded."""


class NothingToApprove(ApprovalRefused):
    """There is nothing to change, or changes of this environment need no approval."""


def environment_digest(digests: Mapping[Layer, str]) -> str:
    """SHA-256, in hex, over the digests of all layers' plans."""
    lines = "".join(f"{layer} {digests[layer]}\n" for layer in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def plan_environment(target: Target) -> dict[Layer, Plan]:
    """What provisioning would do to each layer now."""
    with ThreadPoolExecutor(len(Layer)) as pool:
        return dict(zip(Layer, pool.map(lambda layer: layer_work(target, layer).preview(), Layer), strict=True))


def approve(
    target: Target, log: ApprovalLog, *, digest: str, by: str, reason: str, now: datetime | None = None
) -> Approval:
    """Record that `by` approves the plan with this digest (its first sixteen digits or more) for `reason`.

    The plan is made anew, so that only what can be done is approved, and kept with the approval, as is who AWS says approves.
    Raises `ApprovalRefused` or `TargetUnavailable`, recording nothing.
    """
    environment = target.environment
    by = _line("who approves (--by)", by, LONGEST_NAME)
    reason = _line("the reason (--reason)", reason, LONGEST_REASON)
    if not environment.requires_approval:
        raise NothingToApprove(
            f"{environment.name} is changed without approval: its file does not say `requires_approval: true`. "
            f"Apply the plan with: ils up {environment.name}"
        )
    digest = _digest(digest, environment.name)
    code = code_version(environment.name)  # before the plan: what changes in between makes the approval void
    plans = plan_environment(target)
    if all(plan.empty for plan in plans.values()):
        raise NothingToApprove(f"there is nothing to approve: {environment.name} is as its file says.")
    actual = _digest_of(plans)
    if not actual.startswith(digest):
        raise ApprovalRefused(
            f"expected the digest of what would be done to {environment.name} now, {actual[:SHOWN_DIGITS]}, found "
            f"{digest[:SHOWN_DIGITS]}. Nothing was changed and nothing approved. Look at the plan as it is now: "
            f"ils plan {environment.name}"
        )
    moment = now or utc_now()
    approval = Approval(
        id=str(uuid.uuid4()),
        environment=environment.name,
        digest=actual,
        code=code,
        by=by,
        identity=logged_in_as(target),
        reason=reason,
        at=moment,
        expires=moment + timedelta(hours=environment.approval_hours),
        plans=tuple(plans.values()),
    )
    log.record(approval)
    return approval


def logged_in_as(target: Target) -> str:
    """The ARN of whoever runs this, not of a role that is taken on for the environment. Raises `TargetUnavailable`."""
    return caller_identity(target.state_client, target.environment.aws).arn


@dataclass(frozen=True)
class Permit:
    """What a run may do to an environment."""

    approval: Approval | None = None
    """The one that the run used up; None where none is needed, which is also where there is nothing to change."""
    plans: Mapping[Layer, Plan] | None = None
    """What each layer is held to; None where an environment is changed without approval."""

    def of(self, layer: Layer) -> Plan | None:
        """The plan that the layer is held to; None where it may be brought to whatever its file says."""
        return None if self.plans is None else self.plans[layer]


def check_approval(target: Target, log: ApprovalLog, run_id: str, *, now: datetime | None = None) -> Permit:
    """Raise `NotApproved` unless the target's environment may be provisioned by this run now; use the approval up.

    The plan is made anew, so that what is approved is what is done. A run whose other steps used an approval goes on with
    it. Where there is nothing to change, the run is held to changing nothing.
    """
    environment = target.environment
    if not environment.requires_approval:
        return Permit()
    recorded = log.of(environment.name)
    for found in recorded:
        if found.use is not None and found.use.run == run_id:
            return _permit(found.approval)
    code = code_version(environment.name)
    plans = plan_environment(target)
    if all(plan.empty for plan in plans.values()):
        return Permit(plans=plans)
    moment = now or utc_now()
    actual = _digest_of(plans)
    matching = [found for found in recorded if found.approval.digest == actual]
    good = next((found.approval for found in matching if not _flaws(found, code, moment)), None)
    if good is None:
        raise NotApproved(_refusal(environment.name, plans, recorded, code, moment))
    log.use(Use(approval=good.id, environment=environment.name, run=run_id, at=moment))
    return _permit(good)


def _permit(approval: Approval) -> Permit:
    return Permit(approval, {Layer(plan.project.removeprefix(PROJECT_PREFIX)): plan for plan in approval.plans})


def _flaws(found: RecordedApproval, code: CodeVersion, now: datetime) -> list[str]:
    """Why an approval does not count (any more), each in words; whether it is of the right plan is not looked at."""
    flaws = []
    if found.use is not None:
        flaws.append(f"it was used by run {found.use.run} at {_shown(found.use.at)} and counts once")
    if now >= found.approval.expires:
        flaws.append(f"it expired at {_shown(found.approval.expires)}")
    flaws.extend(found.approval.code.differences(code))
    return flaws


def _refusal(
    environment: str,
    plans: Mapping[Layer, Plan],
    recorded: Sequence[RecordedApproval],
    code: CodeVersion,
    now: datetime,
) -> str:
    actual = _digest_of(plans)
    changes = sum(len(plan.changes) for plan in plans.values())
    lines = [
        f"{environment} is changed only as a plan that somebody approved (requires_approval in its file): expected "
        f"approval of plan {actual[:SHOWN_DIGITS]} with {changes} changes, "
        + (f"found {_found(recorded, actual, code, now)}" if recorded else "found none")
        + ". Nothing was changed."
    ]
    unused = next((found.approval for found in recorded if found.use is None), None)
    if unused is not None and unused.digest != actual:
        difference = list(plan_difference(unused.plans, tuple(plans.values())))
        lines += [f"  {line}" for line in difference[:MAX_LINES]]
        if len(difference) > MAX_LINES:
            lines.append(f"  … and {len(difference) - MAX_LINES} more differences")
    lines.append(
        f"Look at the plan with `ils plan {environment}`, have it approved with `ils approve {environment} --plan "
        f"{actual[:SHOWN_DIGITS]} --by NAME --reason WHY`, then: ils up {environment}"
    )
    return "\n".join(lines)


def _found(recorded: Sequence[RecordedApproval], actual: str, code: CodeVersion, now: datetime) -> str:
    """The approval that comes nearest: one of this plan, else one that was not used, else the newest."""
    same = [found for found in recorded if found.approval.digest == actual]
    unused = [found for found in recorded if found.use is None]
    nearest = (same or unused or list(recorded))[0]
    approval = nearest.approval
    flaws = _flaws(nearest, code, now)
    if approval.digest != actual:
        flaws.insert(0, "that is not what would be done now")
    return (
        f"that {approval.by} approved plan {approval.digest[:SHOWN_DIGITS]} at {_shown(approval.at)}, but "
        + " and ".join(flaws)
    )


def plan_difference(approved: Sequence[Plan], actual: Sequence[Plan]) -> Iterator[str]:
    """A line for everything that would be done otherwise than was approved, with the layer that it is in."""
    before = {plan.project: plan for plan in approved}
    for plan in actual:
        # A layer that there was not when the plan was approved: everything in it is new.
        known = before.get(plan.project) or plan.model_copy(update={"changes": ()})
        yield from (f"{plan.project.removeprefix(PROJECT_PREFIX)}: {line}" for line in deviations(known, plan))


def _digest_of(plans: Mapping[Layer, Plan]) -> str:
    return environment_digest({layer: plan.digest for layer, plan in plans.items()})


def _digest(text: str, environment: str) -> str:
    digest = text.strip().lower()
    if not SHOWN_DIGITS <= len(digest) <= hashlib.sha256().digest_size * 2 or set(digest) - set("0123456789abcdef"):
        raise ApprovalRefused(
            f"expected a plan's digest, {SHOWN_DIGITS} to 64 hexadecimal digits, found {text!r}. Nothing was changed. "
            f"`ils plan {environment}` ends with it."
        )
    return digest


def _line(what: str, text: str, longest: int) -> str:
    stripped = text.strip()
    if not stripped or len(stripped) > longest or not stripped.isprintable():
        found = "nothing" if not stripped else f"{len(stripped)} characters" if len(stripped) > longest else repr(text)
        raise ApprovalRefused(
            f"expected {what}, one line of 1 to {longest} characters, found {found}. It is kept as evidence: say it."
        )
    return stripped


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def utc_now() -> datetime:
    return datetime.now(UTC)
