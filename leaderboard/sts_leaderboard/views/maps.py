"""Maps of runs by domains: what happened, and how far the prediction was from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sts_eval.statistics import leave_group_out, standardised
from sts_leaderboard.inert import drawn
from sts_leaderboard.shelf import BEGINNING
from sts_leaderboard.views.exploring import MEASURES, Dials, arrays, nothing
from sts_leaderboard.views.look import bare, empty

MOST_ROWS = 80
"""Runs of a map."""


def changes_map(points: pd.DataFrame, dials: Dials) -> go.Figure:
    """Runs by domains, coloured by the change."""
    change, se, unit = MEASURES[dials.measure]
    kept = points[points[change].notna()]
    if kept.empty:
        return empty(nothing(dials))
    z, errors, rows = arrays(kept, change, se)
    return _map(
        z,
        rows,
        kept,
        f"change, {unit}",
        [[f"± {one:.2g}" if np.isfinite(one) else "" for one in row] for row in errors],
    )


def errors_map(points: pd.DataFrame, dials: Dials) -> go.Figure:
    """Runs by domains, coloured by predicted minus actual change.

    A score has no unit of points, so a line from standardised scores to changes is fitted on the other models' runs,
    or on the other runs where there is one model.
    """
    change, _, unit = MEASURES[dials.measure]
    if dials.predictor not in points:
        return empty(nothing(dials))
    kept = points[points[change].notna() & points[dials.predictor].notna()]
    if kept["sha256"].nunique() < 3:  # noqa: PLR2004 - a line from one other run says too little
        return empty("Errors need at least 3 runs: the line from score to points is fitted on other runs.")
    x, y, rows = arrays(kept, dials.predictor, change)
    models = pd.factorize(rows["model"])[0]
    groups = models if models.max() > 0 else np.arange(len(rows))
    found = leave_group_out(standardised(x), y, groups)
    return _map(-found.residual, rows, kept, f"predicted − actual, {unit}", None)


def _map(
    z: NDArray[np.float64], rows: pd.DataFrame, kept: pd.DataFrame, what: str, notes: list[list[str]] | None
) -> go.Figure:
    domains = sorted(kept["domain"].unique())
    z, rows = z[:MOST_ROWS], rows.iloc[:MOST_ROWS]
    labels = [f"{drawn(model)} · {drawn(one)}" for model, one in zip(rows["model"], rows["training set"], strict=True)]
    twice = len(set(labels)) < len(labels)
    names = [f"{label} · {sha[:4]}" if twice else label for label, sha in zip(labels, rows["sha256"], strict=True)]
    bound = float(np.nanquantile(np.abs(z), 0.98)) if np.isfinite(z).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=[drawn(name) for name in domains],
            y=names,
            zmid=0,
            zmin=-bound,
            zmax=bound,
            colorscale="RdBu",
            text=None if notes is None else notes[:MOST_ROWS],
            xgap=1,
            ygap=1,
            customdata=[[sha[:BEGINNING]] * len(domains) for sha in rows["sha256"]],
            hovertemplate="%{y}<br><b>%{x}</b><br>%{z:+.2f} %{text}<extra></extra>"
            if notes is not None
            else "%{y}<br><b>%{x}</b><br>%{z:+.2f}<extra></extra>",
            colorbar={"title": {"text": what, "side": "right"}, "thickness": 12},
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(tickangle=-40)
    return bare(figure, height=190 + 24 * len(rows))
