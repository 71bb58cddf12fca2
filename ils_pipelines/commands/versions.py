"""Where the versions of an environment stand, at the end of its plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ils_pipelines.provisioning.versions import Verdict
from ils_pipelines.settings.versions import Support

if TYPE_CHECKING:
    from rich.console import Console


def print_versions(out: Console, found: Sequence[Verdict]) -> None:
    """One line for each version: what it stands for, how it is supported and until when, and who says so."""
    from rich.text import Text

    for each in found:
        meant = "" if each.resolved == each.standing.version else f" (newest {each.resolved})"
        line = f"{each.path} {each.standing.version}{meant}: {each.says}, says {each.source}."
        out.print(Text(line), style="yellow" if each.findings or not each.current else "dim")


def version_entries(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """For JSON."""
    return [
        {
            "path": each.path,
            "version": each.standing.version,
            "newest": each.resolved,
            "support": each.standing.support.value if each.current else Support.UNKNOWN.value,
            "until": None if each.standing.until is None else each.standing.until.isoformat(),
            "source": each.source,
            "warnings": [finding.message for finding in each.findings],
        }
        for each in found
    ]
