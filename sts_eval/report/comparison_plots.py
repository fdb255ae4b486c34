"""Two plots of a comparison: every predictor's r with its intervals, and predicted against actual, run by run."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sts_eval.analysis.aligned_runs import Floats, Matrix
from sts_eval.analysis.verdict import QUESTIONS
from sts_eval.records.comparison import Comparison, Row, Standing, Table

COLOURS: dict[Standing, str] = {"ranked": "#3b78a8", "history": "#c2752d", "oracle": "#8a8a8a"}
REFERENCE = "#b02a4c"

ACROSS = 4
"""Panels side by side."""

MOST_RUNS = 24
"""Runs that are drawn at most; more panels could not be read."""


def forest(comparison: Comparison) -> Figure:
    """Correlations of every predictor by accuracy, a panel per question; the hatched band is above the noise ceiling.

    Args:
        comparison: The record.

    Returns:
        A figure of its own, to be saved; nothing is shown. Thick lines are the bootstrap over runs and domains, thin
        ones HKSJ.
    """
    tables = [table for table in comparison.tables if table.measure == "accuracy"]
    leading = next(table for table in tables if table.question == "which_way")
    names = [row.name for row in leading.rows][::-1]
    figure = Figure(figsize=(3 + 3.6 * len(tables), 1.6 + 0.22 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, table in zip(panels, tables, strict=True):
        _forest_panel(axes, table, names, comparison.reference)
    panels[0].set_yticks(range(len(names)), names, fontsize=8, parse_math=False)
    panels[0].set_ylim(-0.7, len(names) - 0.3)
    runs = f"{len(comparison.runs)} run{'s' * (len(comparison.runs) > 1)}, {len(comparison.domains)} domains"
    figure.suptitle(f"Correlation with the change in accuracy ({runs}; 95%: thick bootstrap, thin HKSJ)", fontsize=10)
    return figure


def _forest_panel(axes: Axes, table: Table, names: list[str], reference: str) -> None:
    rows = {row.name: row for row in table.rows}
    axes.axvline(0, color="#999999", linewidth=0.8)
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


def panels(comparison: Comparison, matrix: Matrix) -> Figure:
    """Predicted against actual change in accuracy, a panel per run, for the reference and the best rival.

    Args:
        comparison: The record.
        matrix: The runs that it was made of.

    Returns:
        A figure of its own. Scores are brought to mean 0 and variance 1 within each run; bars are standard errors.
    """
    table = next(one for one in comparison.tables if (one.question, one.measure) == ("which_way", "accuracy"))
    shown = [comparison.reference, *(row.name for row in [_best_rival(table, comparison.reference)] if row)]
    runs = range(min(MOST_RUNS, len(matrix.outcomes)))
    down = math.ceil(len(runs) / ACROSS)
    across = min(ACROSS, len(runs))
    figure = Figure(figsize=(1 + 2.7 * max(2, across), 1.2 + 2.4 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    measured = matrix.measures["accuracy"]
    for axes in grid.flat[len(runs) :]:
        axes.set_visible(False)
    for run, axes in zip(runs, grid.flat, strict=False):
        axes.axhline(0, color="#999999", linewidth=0.8)
        for name, colour, mark in zip(shown, (REFERENCE, COLOURS["ranked"]), ("o", "s"), strict=False):
            x = _unit(matrix.columns[name].scores[run])
            axes.errorbar(
                x, measured.change[run], yerr=measured.se[run], fmt=mark, color=colour, markersize=3, linewidth=0.7
            )
        axes.set_title(matrix.run_names[run], fontsize=8, parse_math=False)
    figure.supxlabel("score, in standard deviations of the run", fontsize=9)
    figure.supylabel("change in accuracy, points ± SE", fontsize=9)
    hidden = len(matrix.outcomes) - len(runs)
    legend = " and ".join(f"{name} ({mark})" for name, mark in zip(shown, ("circles", "squares"), strict=False))
    more = f"; {hidden} further runs are not drawn" if hidden else ""
    figure.suptitle(f"Predicted against actual: {legend}{more}", fontsize=10, parse_math=False)
    return figure


def _best_rival(table: Table, reference: str) -> Row | None:
    rivals = (row for row in table.standing("ranked") if row.name != reference and row.r is not None)
    return next(rivals, None)


def _unit(scores: Floats) -> Floats:
    spread = float(np.nanstd(scores)) if np.isfinite(scores).any() else 0.0
    unit: Floats = (scores - np.nanmean(scores)) / spread if spread > 0 else scores * 0
    return unit
