"""Predicted against measured: one point per domain, with error bars."""

from __future__ import annotations

from matplotlib.figure import Figure

from sts_eval.records.report import Report
from sts_eval.report.prediction import NAMES


def scatter(report: Report, score: str) -> Figure:
    """Draw a score against the signed change in points.

    Args:
        report: The record.
        score: The score on the horizontal axis.

    Returns:
        A figure of its own, to be saved; nothing is shown.
    """
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    x = [row.scores[score].value for row in report.rows]
    y = [row.delta for row in report.rows]
    x_error = [row.scores[score].se or 0.0 for row in report.rows]
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.errorbar(x, y, xerr=x_error, yerr=[row.se for row in report.rows], fmt="o", color="#3b78a8", capsize=2)
    for row, left, height in zip(report.rows, x, y, strict=True):
        axes.annotate(row.domain, (left, height), xytext=(5, 4), textcoords="offset points", fontsize=8)
    agreement = report.agreement(score, "delta")
    r = "undefined" if agreement.pearson is None else f"{agreement.pearson:+.2f}"
    interval = f" [{agreement.fisher[0]:+.2f}, {agreement.fisher[1]:+.2f}]" if agreement.fisher else ""
    late = "POST HOC: " if report.post_hoc else ""
    axes.set_title(f"{late}r = {r}{interval} over {agreement.n} domains")
    axes.set_xlabel(f"predicted: {NAMES[score]} (± standard error)")
    axes.set_ylabel("measured: change in accuracy, points (± standard error)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
