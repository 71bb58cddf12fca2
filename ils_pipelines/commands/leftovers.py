"""`ils leftovers`: what is left of environments that are gone or past their time. Starts no run and does not need Dagster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.provisioning.leftovers import Leftover, leftovers_in_account
from ils_pipelines.settings.loading import environment_names, load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from rich.console import Console

    from ils_pipelines.targets.protocol import Target


def leftovers(*, as_json: bool) -> ExitCode:
    """Look into every account and region that an environment uses. Raises an `IlsError`."""
    names = environment_names()
    found: dict[str, Leftover] = {}
    for target, regions in _accounts(names):
        target.preflight()
        found |= {each.arn: each for each in leftovers_in_account(target, regions, names)}
    several = tuple(found.values())
    unexplained = any(not each.kept for each in several)
    if as_json:
        print_json({"leftovers": [leftover_entry(each) for each in several], "success": not unexplained})
    else:
        print_leftovers(console(), several)
    return ExitCode.FAILED if unexplained else ExitCode.SUCCESS


def _accounts(names: Sequence[str]) -> list[tuple[Target, list[str]]]:
    """A target for each account, with all regions that its environments use."""
    found: dict[tuple[str, str | None], tuple[Target, list[str]]] = {}
    for name in names:
        environment = load_environment(name)
        account = (str(environment.target), environment.aws.account_id)
        _, regions = found.setdefault(account, (open_target(environment), []))
        regions += [region for region in environment.regions if region not in regions]
    return list(found.values())


def print_leftovers(out: Console, leftovers: Sequence[Leftover]) -> None:
    """What nobody meant to leave first, then what is kept, with the reason. ARNs are not cut."""
    from rich.text import Text

    if not leftovers:
        out.print("nothing is left, by tag")
        return
    unexplained = [each for each in leftovers if not each.kept]
    for each in unexplained:
        where = each.region or "no region"
        out.print(Text.assemble(("left  ", "red"), each.arn, (f"  {each.environment}, {where}", "dim")), soft_wrap=True)
    reasons: dict[str, list[Leftover]] = {}
    for each in leftovers:
        if each.kept:
            reasons.setdefault(f"{each.service}: {each.kept}", []).append(each)
    for reason, several in sorted(reasons.items()):
        out.print(Text.assemble(("kept  ", "cyan"), reason), soft_wrap=True)
        for each in several:
            out.print(Text(f"      {each.name}", style="dim"), soft_wrap=True)
    kept = len(leftovers) - len(unexplained)
    out.print(f"{len(unexplained) or 'nothing'} left that should not be, {kept} kept on purpose, by tag")


def leftover_entry(leftover: Leftover) -> dict[str, Any]:
    return {
        "arn": leftover.arn,
        "region": leftover.region or None,
        "environment": leftover.environment,
        "expires": leftover.expires or None,
        "kept": leftover.kept or None,
    }
