"""The operations guide has everything that an operator looks for in one, and each procedure has a job and a way by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ils_pipelines.definitions import defs

GUIDE = Path(__file__).parents[2] / "docs" / "operations-guide.md"
SUBJECTS = {
    "Quick start": ("ils up dev", "production.md", "dagster-for-a-team.md"),
    "Configuration": ("DATABASE_URL", "REDIS_TLS", "AUTH_PROVIDER", "LOG_LEVEL", "ILS_STATE_DIR", "configuration.md"),
    "Monitoring": ("### CloudWatch", "dashboard", "start-query", "### Traces", "### Performance"),
    "Scaling": ("number of nodes", "number of pods", "cluster-autoscaler.md", "HPA", "thresholds"),
    "Backup and disaster recovery": ("automated backups", "snapshot", "cluster again", "To a moment", "drill"),
    "Security": ("pod security", "network policies", "in Kubernetes", "service accounts", "security groups"),
    "Troubleshooting": ("nodes ready", "wrong with a pod", "logs", "database let us in", "Redis let us in"),
    "Cost": ("reserved instances", "spot", "quota", "budget"),
    "Maintenance": ("Kubernetes", "images of the nodes", "certificates", "rolling"),
}
"""Headings of the guide, and what has to be found under each."""


def under(heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no heading {heading}"
    return found[1]


@pytest.mark.parametrize("heading", SUBJECTS)
def test_a_subject_is_there_with_all_that_belongs_to_it(heading: str) -> None:
    text = under(heading).lower()

    assert [each for each in SUBJECTS[heading] if each.lower() not in text] == []


def test_every_job_is_named_and_no_other() -> None:
    jobs = {job.name for job in defs.get_repository_def().get_all_jobs()} - {"__ASSET_JOB"}
    documents = [GUIDE, *GUIDE.parent.glob("*.md"), *(GUIDE.parents[1] / name for name in ("README.md",))]
    said = {name for page in documents for name in re.findall(r"`(\w+)`", page.read_text(encoding="utf-8"))}
    in_the_guide = set(re.findall(r"`(\w+)`", GUIDE.read_text(encoding="utf-8")))

    assert jobs - said == set()
    named = {name for name in in_the_guide if re.fullmatch(r"\w+_(scan|report|upgrade|refresh|environment|job)", name)}
    assert named <= jobs
