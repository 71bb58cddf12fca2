"""What is to be told of a scan's findings, given what was told before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ils_pipelines.operations.findings import Finding, by_urgency, worst
from ils_pipelines.operations.notifications.discretion import without_secrets
from ils_pipelines.operations.notifications.models import Memory, Message, Said, Told, Topic
from ils_pipelines.settings.notifications import Notifications

MOST_LINES = 15
LONGEST_TEXT = 500
"""A message is read on a telephone."""


@dataclass(frozen=True)
class Source:
    """Who found it: a check of an asset, or a job."""

    environment: str
    name: str
    """E.g. `certificates of load_balancer`; one name for each source of an environment."""
    runbook: str
    """Name of its file in docs/runbooks, without the ending."""

    @property
    def key(self) -> str:
        return f"{self.environment}/{self.name}"


def of_findings(
    memory: Memory,
    settings: Notifications,
    source: Source,
    findings: Sequence[Finding],
    *,
    run_id: str,
    at: datetime,
) -> tuple[Memory, tuple[Message, ...]]:
    """The memory with the findings in it, and what is new: a message of what came, another of what is over.

    `findings` are all that the source has now; those of one subject are told together. What lasts is told again after the
    settings' hours, and when it gets worse or more.
    """
    known, repeat = memory.told.get(source.key, {}), timedelta(hours=settings.repeat_hours)
    present: dict[str, list[Finding]] = {}
    for each in findings:
        present.setdefault(without_secrets(each.subject), []).append(each)
    now = {
        subject: Told(urgency=worst(each.urgency for each in found), at=at, findings=len(found))
        for subject, found in present.items()
    }
    new = {
        subject
        for subject, told in now.items()
        if (before := known.get(subject)) is None
        or at - before.at >= repeat
        or worst((told.urgency, before.urgency)) is not before.urgency
        or told.findings > before.findings
    }
    over = [
        Said(subject=subject, urgency=before.urgency) for subject, before in known.items() if subject not in present
    ]
    messages = []
    if new:
        said = [_said(each) for each in by_urgency(each for subject in new for each in present[subject])]
        messages.append(_message(source, Topic.FINDING, said, settings, run_id, at))
    if over:
        messages.append(_message(source, Topic.OVER, over, settings, run_id, at))
    told = {
        subject: each if subject in new else each.model_copy(update={"at": known[subject].at})
        for subject, each in now.items()
    }
    others = {key: value for key, value in memory.told.items() if key != source.key}
    return memory.model_copy(update={"told": {**others, source.key: told} if told else others}), tuple(messages)


def runbook_of(settings: Notifications, name: str) -> str:
    """Where people read what to do."""
    base = settings.runbooks.rstrip("/") if settings.runbooks else "docs/runbooks"
    return f"{base}/{name}.md"


def _message(
    source: Source, topic: Topic, said: Sequence[Said], settings: Notifications, run_id: str, at: datetime
) -> Message:
    subjects = "\n".join(sorted(each.subject for each in said))
    name = f"{source.key}\n{topic}\n{run_id}\n{at.isoformat()}\n{subjects}"
    return Message(
        id=hashlib.sha256(name.encode()).hexdigest()[:20],
        environment=source.environment,
        topic=topic,
        source=source.name,
        urgency=worst(each.urgency for each in said),
        said=tuple(said[:MOST_LINES]),
        more=max(0, len(said) - MOST_LINES),
        runbook=runbook_of(settings, source.runbook),
        run_id=run_id,
        at=at,
    )


def _said(finding: Finding) -> Said:
    return Said(
        subject=_short(finding.subject),
        urgency=finding.urgency,
        expected=_short(finding.expected),
        found=_short(finding.found),
        remedy=_short(finding.remedy),
    )


def _short(text: str) -> str:
    shown = without_secrets(text)
    return shown if len(shown) <= LONGEST_TEXT else shown[: LONGEST_TEXT - 1] + "…"
