"""Maps of runs by domains: what happened, and how far the prediction was off."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sts_eval import statistics
from sts_leaderboard.board_cache import BEGINNING
from sts_leaderboard.escaping import figure_text
from sts_leaderboard.points import MEASURES, in_domains, nothing_text
from sts_leaderboard.style import empty_figure, style_figure
from sts_leaderboard.url_state import State

MOST_ROWS = 80  # Runs of a map.


def changes_map(points: pd.DataFrame, state: State) -> go.Figure:
    """Runs by domains, coloured by the change."""
    change, se, unit = MEASURES[state["measure"]]
    kept = in_domains(points[points[change].notna()], state)
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
    kept = in_domains(points[points[change].notna() & points[state["predictor"]].notna()], state)
    if kept["sha256"].nunique() < 3:  # noqa: PLR2004 - a line from one other run says too little
        return empty_figure("Errors need at least 3 runs: the line from score to points is fitted on other runs.")
    x, y, rows = by_run_and_domain(kept, state["predictor"], change)
    models = pd.factorize(rows["model"])[0]
    groups = models if models.max() > 0 else np.arange(len(rows))
    found = statistics.leave_group_out(statistics.standardised(x), y, groups)
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
            # Above: beside the map it would take a third of a phone's width.
            colorbar={
                "title": {"text": what, "side": "top"},
                "thickness": 10,
                "orientation": "h",
                "y": 1,
                "yanchor": "bottom",
            },
        )
    )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 11}).update_xaxes(tickangle=-40, tickfont={"size": 11})
    return style_figure(figure, height=230 + 24 * len(rows))


def by_run_and_domain(
    kept: pd.DataFrame, *columns: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], pd.DataFrame]:
    """Two columns as arrays of runs by domains, and the run of each row, by model and training set."""
    rows = kept.drop_duplicates("sha256")[["sha256", "model", "training set"]].sort_values(["model", "training set"])
    domains = sorted(kept["domain"].unique())
    first, second = (
        kept.pivot(index="sha256", columns="domain", values=name)
        .reindex(index=list(rows["sha256"]), columns=domains)
        .to_numpy(dtype=np.float64)
        for name in columns
    )
    return first, second, rows
