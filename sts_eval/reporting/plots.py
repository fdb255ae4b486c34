"""Plots of what tuning changed: predicted against measured, and every predictor's correlation with its intervals."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sts_eval.analysis.aligned_runs import AlignedRuns
from sts_eval.analysis.wording import MEASURES, QUESTIONS, UNITS, counted, interval, signed
from sts_eval.records.comparison import Comparison, Measure, Standing, Table
from sts_eval.records.report import Report
from sts_eval.reporting.picture import Picture
from sts_eval.reporting.prediction import NAMES
from sts_eval.statistics import standardised

COLOURS: dict[Standing, str] = {"ranked": "#3b78a8", "history": "#c2752d", "oracle": "#8a8a8a"}
REFERENCE = "#b02a4c"
LINE = "#999999"
ACROSS = 4  # panels side by side
MOST_RUNS = 24  # that are drawn; more panels could not be read


def scatter(report: Report, score: str) -> Figure:
    """Draw a score against the signed change in points, one point per domain, with error bars.

    Raises:
        UserError: The report is by an earlier version, without a comparison.
    """
    figure = Picture(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    x = [row.scores[score].value for row in report.rows]
    y = [row.delta for row in report.rows]
    x_error, y_error = [row.scores[score].se or 0.0 for row in report.rows], [row.se for row in report.rows]
    axes.axhline(0, color=LINE, linewidth=0.8)
    axes.errorbar(x, y, xerr=x_error, yerr=y_error, fmt="o", color=COLOURS["ranked"], capsize=2)
    for row, left, height in zip(report.rows, x, y, strict=True):
        axes.annotate(row.domain, (left, height), xytext=(5, 4), textcoords="offset points", fontsize=8)
    table = report.compared().table("which_way", "accuracy")
    assert table is not None  # noqa: S101 - every comparison has it
    found = table.row(score)
    late = "UNRELATED: " * bool(report.unrelated) + "POST HOC: " * report.post_hoc
    axes.set_title(f"{late}r = {signed(found.r)} {interval(found.bootstrap)} over {found.n_points} domains")
    axes.set_xlabel(f"predicted: {NAMES[score]} (± standard error)")
    axes.set_ylabel("measured: change in accuracy, points (± standard error)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def forest(comparison: Comparison, measure: Measure = "accuracy") -> Figure:
    """Correlations of every predictor, a panel per question; the hatched band is above the noise ceiling.

    Thick lines are the bootstrap over runs and domains, thin ones HKSJ.
    """
    drawn = [table for table in comparison.tables if table.measure == measure]
    tables = [table for table in drawn if table.question != "how_much_debiased"]
    leading = next(table for table in tables if table.question == "which_way")
    names = [row.name for row in leading.rows][::-1]
    figure = Picture(figsize=(3 + 3.6 * len(tables), 1.6 + 0.22 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, table in zip(panels, tables, strict=True):
        _forest_panel(axes, table, names, comparison.reference)
    panels[0].set_yticks(range(len(names)), names, fontsize=8, parse_math=False)
    panels[0].set_ylim(-0.7, len(names) - 0.3)
    runs = f"{counted(len(comparison.runs), 'run')}, {len(comparison.domains)} domains"
    title = f"Correlation with the change in {MEASURES[measure]} ({runs}; 95%: thick bootstrap, thin HKSJ)"
    figure.suptitle(title, fontsize=10)
    return figure


def _forest_panel(axes: Axes, table: Table, names: list[str], reference: str) -> None:
    rows = {row.name: row for row in table.rows}
    axes.axvline(0, color=LINE, linewidth=0.8)
    if table.ceiling is not None:
        axes.axvspan(table.ceiling, 1, facecolor="#dddddd", edgecolor="#bbbbbb", hatch="///", alpha=0.5, zorder=0)
    for height, name in enumerate(names):
        row = rows.get(name)
        if row is None or row.r is None:
            continue
        colour = REFERENCE if name == reference else COLOURS[row.standing]
        if row.hksj:
            axes.plot(row.hksj, (height, height), color=colour, linewidth=0.9)
        if row.bootstrap:
            axes.plot(row.bootstrap, (height, height), color=colour, linewidth=2.6, alpha=0.45)
        axes.plot(row.r, height, "o", color=colour, markersize=4)
    axes.set_xlim(-1, 1)
    axes.set_title(QUESTIONS[table.question].replace(", ", ",\n"), fontsize=9)
    axes.set_xlabel("pooled r", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def panels(comparison: Comparison, runs: AlignedRuns, measure: Measure = "accuracy") -> Figure:
    """Predicted against measured change, a panel per run, for the reference and the best other predictor.

    Scores are brought to mean 0 and variance 1 within each run; bars are standard errors.
    """
    reference = comparison.reference
    table = comparison.table("which_way", measure)
    assert table is not None  # noqa: S101 - every comparison has it for a measure of its runs
    others = [row.name for row in table.standing("ranked") if row.name != reference and row.r is not None]
    drawn = [reference, *others[:1]]
    scores = {name: standardised(runs.predictors[name].scores) for name in drawn}
    n_runs = min(MOST_RUNS, len(runs.outcomes))
    down, across = math.ceil(n_runs / ACROSS), min(ACROSS, n_runs)
    figure = Picture(figsize=(1 + 2.7 * max(2, across), 1.2 + 2.4 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    changes = runs.measures[measure]
    for axes in grid.flat[n_runs:]:
        axes.set_visible(False)
    for run, axes in zip(range(n_runs), grid.flat, strict=False):
        axes.axhline(0, color=LINE, linewidth=0.8)
        for name, colour, mark in zip(drawn, (REFERENCE, COLOURS["ranked"]), ("o", "s"), strict=False):
            x, y, se = scores[name][run], changes.change[run], changes.se[run]
            axes.errorbar(x, y, yerr=se, fmt=mark, color=colour, markersize=3, linewidth=0.7)
        axes.set_title(runs.run_names[run], fontsize=8, parse_math=False)
    figure.supxlabel("score, in standard deviations of the run", fontsize=9)
    figure.supylabel(f"change in {MEASURES[measure]}, {UNITS[measure]} ± SE", fontsize=9)
    hidden = len(runs.outcomes) - n_runs
    legend = " and ".join(f"{name} ({mark})" for name, mark in zip(drawn, ("circles", "squares"), strict=False))
    more = f"; {hidden} further runs are not drawn" if hidden else ""
    figure.suptitle(f"Predicted against measured: {legend}{more}", fontsize=10, parse_math=False)
    return figure
