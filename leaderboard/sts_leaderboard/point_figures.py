"""Figures of points: predicted against actual, what happened in every run and domain, and prediction errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sts_eval.statistics import leave_group_out, standardised
from sts_leaderboard.badges import BADGES, origin_of
from sts_leaderboard.board_cache import BEGINNING
from sts_leaderboard.escaping import figure_text
from sts_leaderboard.points import ALL_SEEDS, MEASURES, MOST_BARS, SIZE, by_run_and_domain, nothing_text, shown_points
from sts_leaderboard.style import GREY, PALETTE, empty_figure, style_figure
from sts_leaderboard.url_state import State

MOST_ROWS = 80  # Runs of a heat map.
MOST_NAMES = 16  # Names of a legend that fits beside a figure.


def scatter(points: pd.DataFrame, state: State) -> go.Figure:
    """Predicted against actual, a point per run and domain, bars of one standard error."""
    kept = shown_points(points, state)
    if kept.empty:
        return empty_figure(nothing_text(state))
    figure, unit = go.Figure(), MEASURES[state["measure"]][2]
    shape = BADGES[origin_of(str(kept["origin"].iloc[0]))].symbol
    bars = state["seed"] == ALL_SEEDS and len(kept) <= MOST_BARS
    for place, (name, some) in enumerate(kept.groupby(state["colour"], sort=True)):
        figure.add_scatter(
            x=some["x"],
            y=some["y"],
            error_y={"array": some["error"].fillna(0.0), "visible": bars, "thickness": 1, "width": 2},
            mode="markers",
            name=figure_text(name),
            marker={"color": PALETTE[place % len(PALETTE)], "symbol": shape, "size": 9, "opacity": 0.85},
            customdata=np.stack(
                [
                    some["domain"].map(figure_text),
                    some["model"].map(figure_text),
                    some["training set"].map(figure_text),
                    some["score"].map("{:.4g}".format),
                    some["change"].map("{:+.3g}".format),
                    some["error"].map(lambda value: f"{value:.2g}" if np.isfinite(value) else "not given"),
                    some["n"].map("{:,.0f}".format),
                    some["sha256"].str[:BEGINNING],
                ],
                axis=-1,
            ),
            hovertemplate=(
                "<b>%{customdata[0]}</b><br>%{customdata[1]} on %{customdata[2]}<br>score %{customdata[3]}<br>"
                f"change %{{customdata[4]}} {unit} ± %{{customdata[5]}}<br>%{{customdata[6]}} questions<br>"
                "run %{customdata[7]}<extra></extra>"
            ),
        )
    figure.add_hline(y=0, line_color=GREY, line_width=1)
    standard = not np.array_equal(kept["x"].to_numpy(), kept["score"].to_numpy())
    score = figure_text(state["predictor"]) + (", in sd of its run" if standard else "")
    what = "change"
    if state["sign"] == SIZE:
        known = kept["error"].notna().any()
        what = "size of the change, " + ("noise taken off" if known else "with its noise, which is not known")
    if state["seed"] != ALL_SEEDS:
        what += f" under seed {state['seed']}"
    figure.update_layout(xaxis_title=f"predicted: {score}", yaxis_title=f"actual: {what}, {unit}")
    return style_figure(figure, height=540).update_layout(showlegend=kept[state["colour"]].nunique() <= MOST_NAMES)


def changes_map(points: pd.DataFrame, state: State) -> go.Figure:
    """Runs by domains, coloured by the change."""
    change, se, unit = MEASURES[state["measure"]]
    kept = points[points[change].notna()]
    if kept.empty:
        return empty_figure(nothing_text(state))
    z, errors, rows = by_run_and_domain(kept, change, se)
    notes = [[f"± {one:.2g}" if np.isfinite(one) else "" for one in row] for row in errors]
    return _heat_map(z, rows, kept, f"change, {unit}", notes)


def errors_map(points: pd.DataFrame, state: State) -> go.Figure:
    """Runs by domains, coloured by predicted minus actual change.

    A score has no unit of points, so a line from standardised scores to changes is fitted on the other models' runs,
    or on the other runs where there is one model.
    """
    change, _, unit = MEASURES[state["measure"]]
    if state["predictor"] not in points:
        return empty_figure(nothing_text(state))
    kept = points[points[change].notna() & points[state["predictor"]].notna()]
    if kept["sha256"].nunique() < 3:  # noqa: PLR2004 - a line from one other run says too little
        return empty_figure("Errors need at least 3 runs: the line from score to points is fitted on other runs.")
    x, y, rows = by_run_and_domain(kept, state["predictor"], change)
    models = pd.factorize(rows["model"])[0]
    groups = models if models.max() > 0 else np.arange(len(rows))
    found = leave_group_out(standardised(x), y, groups)
    return _heat_map(-found.residual, rows, kept, f"predicted − actual, {unit}")


def _heat_map(
    z: NDArray[np.float64], rows: pd.DataFrame, kept: pd.DataFrame, what: str, notes: list[list[str]] | None = None
) -> go.Figure:
    domains = sorted(kept["domain"].unique())
    z, rows = z[:MOST_ROWS], rows.iloc[:MOST_ROWS]
    pairs = zip(rows["model"], rows["training set"], strict=True)
    labels = [f"{figure_text(model)} · {figure_text(training_set)}" for model, training_set in pairs]
    if len(set(labels)) < len(labels):
        labels = [f"{label} · {sha[:4]}" for label, sha in zip(labels, rows["sha256"], strict=True)]
    bound = float(np.nanquantile(np.abs(z), 0.98)) if np.isfinite(z).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=[figure_text(name) for name in domains],
            y=labels,
            zmid=0,
            zmin=-bound,
            zmax=bound,
            colorscale="RdBu",
            text=notes and notes[:MOST_ROWS],
            xgap=1,
            ygap=1,
            customdata=[[sha[:BEGINNING]] * len(domains) for sha in rows["sha256"]],
            hovertemplate=f"%{{y}}<br><b>%{{x}}</b><br>%{{z:+.2f}}{' %{text}' if notes else ''}<extra></extra>",
            colorbar={"title": {"text": what, "side": "right"}, "thickness": 12},
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(tickangle=-40)
    return style_figure(figure, height=190 + 24 * len(rows))
