"""Plots of costs, as PNG. Drawn without pyplot, which keeps state that threads would share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ils_pipelines.operations.costs.models import CostReport

MOST_SERVICES = 7
"""With a colour of their own; the rest is one."""
DAYS_SHOWN = 45
_SIZE = (9.0, 3.6)
_DPI = 85
_GREY, _RED, _BLUE, _GREEN = "#8a8f98", "#c23b3b", "#2f6db3", "#3b8f5a"
_COLOURS = ("#2f6db3", "#e08a2e", "#3b8f5a", "#8d5bb0", "#c9a227", "#3fa7b5", "#b5526a", "#b9bec6")


def daily_costs(report: CostReport) -> bytes:
    """Each day's costs, stacked by service, with the day's part of the budget; days that are not complete are pale."""
    figure, axes = _axes(f"{report.environment}: costs by day and service", report.currency)
    begin = report.today - timedelta(days=DAYS_SHOWN - 1)
    days = [begin + timedelta(days=number) for number in range(DAYS_SHOWN)]
    bottoms = [0.0] * len(days)
    for name, colour in zip(names := _shown_services(report, begin), _COLOURS, strict=False):
        amounts = _by_day(report, name, names)
        heights = [float(amounts.get(day, 0)) for day in days]
        bars = axes.bar(days, heights, bottom=bottoms, color=colour, label=name, width=0.85)
        for bar, day in zip(bars, days, strict=True):
            bar.set_alpha(1.0 if day <= report.settled else 0.4)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    if report.budget is not None:
        axes.axhline(float(report.budget * 12 / 365), color=_RED, linewidth=1.2, linestyle="--", label="budget")
    for each in report.anomalies:
        place = bottoms[days.index(each.day)] if each.day in days else 0.0
        axes.annotate("▼", (_place(each.day), place), ha="center", va="bottom", color=_RED, fontsize=9)
    _dates(axes)
    axes.legend(fontsize=6.5, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
    return _png(figure)


def month_and_forecast(report: CostReport) -> bytes:
    """The month added up, what is expected of its rest with the interval, and the budget."""
    figure, axes = _axes(f"{report.environment}: the month, and what is expected of it", report.currency)
    so_far: list[tuple[date, float]] = []
    total = 0.0
    for day in sorted({each.day for each in report.month}):
        if not report.forecast or day < report.forecast[0].day:
            total += float(sum(each.amount for each in report.month if each.day == day))
            so_far.append((day, total))
    axes.plot([day for day, _ in so_far], [amount for _, amount in so_far], color=_BLUE, linewidth=2, label="so far")
    if report.forecast:
        start = so_far[-1] if so_far else (report.forecast[0].day, 0.0)
        lines: dict[str, list[float]] = {part: [start[1]] for part in ("mean", "low", "high")}
        for expected in report.forecast:
            for part, values in lines.items():
                values.append(values[-1] + float(getattr(expected, part)))
        days = [start[0], *(expected.day for expected in report.forecast)]
        axes.plot(days, lines["mean"], color=_BLUE, linewidth=1.5, linestyle=":", label="expected")
        axes.fill_between(days, lines["low"], lines["high"], color=_BLUE, alpha=0.18, label="4 times out of 5")
    if report.budget is not None:
        axes.axhline(float(report.budget), color=_RED, linewidth=1.2, linestyle="--", label="budget")
    axes.set_ylim(bottom=0)
    _dates(axes)
    axes.legend(fontsize=7, frameon=False, loc="lower right")
    return _png(figure)


def top_movers(report: CostReport) -> bytes:
    """The services that changed most from one settled week to the next."""
    movers = list(report.movers().items())[:MOST_SERVICES][::-1]
    figure, axes = _axes(f"{report.environment}: last settled week against the one before", "")
    values = [float(change) for _, change in movers]
    axes.barh([name for name, _ in movers], values, color=[_RED if value > 0 else _GREEN for value in values])
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_xlabel(report.currency, fontsize=8)
    axes.tick_params(labelsize=7)
    return _png(figure)


def _shown_services(report: CostReport, begin: date) -> list[str]:
    sums: dict[str, Decimal] = {}
    for each in report.spends:
        if each.day >= begin:
            sums[each.service] = sums.get(each.service, Decimal(0)) + each.amount
    dearest = sorted(sums, key=lambda name: -sums[name])
    return dearest if len(dearest) <= MOST_SERVICES else [*dearest[:MOST_SERVICES], "others"]


def _by_day(report: CostReport, name: str, names: list[str]) -> Mapping[date, Decimal]:
    found: dict[date, Decimal] = {}
    for each in report.spends:
        if each.service == name or (name == "others" and each.service not in names):
            found[each.day] = found.get(each.day, Decimal(0)) + each.amount
    return found


def _axes(title: str, unit: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_ylabel(unit, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _dates(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_fontsize(7)
    axes.tick_params(labelsize=7)


def _place(day: date) -> float:
    from matplotlib.dates import date2num

    return float(date2num(day))  # type: ignore[no-untyped-call]


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
