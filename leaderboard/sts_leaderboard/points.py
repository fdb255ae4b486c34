"""Points of runs and domains: which of them are shown, how they are drawn, and the text beside them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sts_eval import statistics
from sts_eval.analysis.wording import interval, signed
from sts_eval.statistics.correlation import MIN_POINTS
from sts_eval.store.correlations import correlations
from sts_leaderboard.badges import BADGES, origin_of
from sts_leaderboard.board_cache import BEGINNING
from sts_leaderboard.escaping import figure_text, markdown, text_table
from sts_leaderboard.style import GREY, PALETTE, empty_figure, style_figure
from sts_leaderboard.url_state import State

# Columns of the change and its error, and their unit.
MEASURES = {"accuracy": ("delta", "se", "points"), "log-probability": ("logprob_delta", "logprob_se", "nats")}
MOST_BARS = 400  # Points that are drawn with their errors; more bars are a grey wall.
MOST_ROWS = 80  # Runs of a heat map.
MOST_NAMES = 16  # Names of a legend that fits beside a figure.
PAPER = 4  # Domains from each end in the paper's protocol.
NOTHING = "No run matches; clear the filters."
NO_SEED = "Log-probabilities are kept as means over seeds only: choose all seeds, or accuracy."

SIGNED, SIZE = "signed change", "size of the change"
ALL, EXTREMES = "all domains", "the paper's 4+4"  # The second are each run's four largest and four smallest changes.
ALL_SEEDS = "all seeds (mean)"


def points_of(runs: pd.DataFrame, points: pd.DataFrame, domains: Sequence[str] = ()) -> pd.DataFrame:
    """Points of some rows of `Board.runs`, with the run's `model`, `training set`, `benchmark`, `origin` and `n_seeds`.

    All domains if none are given.
    """
    some = runs[["sha256", "model", "training_set", "benchmark", "origin", "n_seeds"]]
    some = some.rename(columns={"training_set": "training set"}).reset_index(drop=True)
    here = points[points["sha256"].isin(some["sha256"])].astype({"sha256": object, "domain": object})
    if domains:
        here = here[here["domain"].isin(domains)]
    return here.merge(some, on="sha256", how="left").reset_index(drop=True)


def of_seed(points: pd.DataFrame, seed_changes: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Points with the change under one seed of `Board.seed_changes` in place of the mean; runs without it are left out.

    The board keeps neither the error of a single seed nor its log-probabilities, so these become NaN.
    """
    theirs = seed_changes[(seed_changes["seed"] == seed) & seed_changes["sha256"].isin(points["sha256"].unique())]
    keys = ["sha256", "domain"]
    alone = theirs[[*keys, "delta"]].astype(dict.fromkeys(keys, object))
    found = points.drop(columns="delta").merge(alone, on=keys, how="inner")
    return found.assign(se=np.nan, logprob_delta=np.nan, logprob_se=np.nan)[list(points.columns)]


def shown_points(points: pd.DataFrame, state: State) -> pd.DataFrame:
    """The points that are drawn: `score`, `change`, `error`, and the places `x` and `y`.

    With one run x is the score itself. With more it is the score in standard deviations of its run, since scores of
    different runs share no unit; a single domain keeps its scores.
    """
    change, se, _ = MEASURES[state["measure"]]
    score: Any = points.get(state["predictor"], np.nan)
    kept = points.assign(score=score, change=points[change], error=points[se])
    kept = kept.dropna(subset=["score", "change"])
    if state["protocol"] == EXTREMES:
        # Runs with fewer than twice as many domains are left out.
        runs = [some for _, some in kept.groupby("sha256", sort=False) if len(some) >= 2 * PAPER]
        ends = [some.iloc[np.sort(statistics.extremes(some["change"].to_numpy(), PAPER))] for some in runs]
        kept = pd.concat(ends) if ends else kept.iloc[:0].copy()
    kept["x"], kept["y"] = kept["score"], kept["change"]
    if state["sign"] == SIZE:
        kept["y"] = kept["change"].abs()
    if kept["sha256"].nunique() > 1 and kept["domain"].nunique() > 1:
        by_run = kept.groupby("sha256", sort=False)["score"]
        spread = by_run.transform("std", ddof=0)
        kept["x"] = ((kept["score"] - by_run.transform("mean")) / spread.where(spread > 0)).fillna(0.0)
    return kept


def nothing_text(state: State) -> str:
    """Why there are no points."""
    return NO_SEED if state["seed"] != ALL_SEEDS and state["measure"] != "accuracy" else NOTHING


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


def scatter(points: pd.DataFrame, state: State) -> go.Figure:
    """Predicted against actual, a point per run and domain, bars of one standard error."""
    kept = shown_points(points, state)
    if kept.empty:
        return empty_figure(nothing_text(state))
    figure, unit = go.Figure(), MEASURES[state["measure"]][2]
    shape = BADGES[origin_of(str(kept["origin"].iloc[0]))].symbol
    bars = state["seed"] == ALL_SEEDS and len(kept) <= MOST_BARS
    hover: dict[str, Callable[[Any], str]] = {
        **dict.fromkeys(("domain", "model", "training set"), figure_text),
        "score": "{:.4g}".format,
        "change": "{:+.3g}".format,
        "error": lambda error: f"{error:.2g}" if np.isfinite(error) else "not given",
        "n": "{:,.0f}".format,
        "sha256": lambda sha256: sha256[:BEGINNING],
    }
    for place, (name, some) in enumerate(kept.groupby(state["colour"], sort=True)):
        figure.add_scatter(
            x=some["x"],
            y=some["y"],
            error_y={"array": some["error"].fillna(0.0), "visible": bars, "thickness": 1, "width": 2},
            mode="markers",
            name=figure_text(name),
            marker={"color": PALETTE[place % len(PALETTE)], "symbol": shape, "size": 9, "opacity": 0.85},
            customdata=np.stack([some[column].map(text) for column, text in hover.items()], axis=-1),
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
        what = "size of the change"
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
            colorbar={"title": {"text": what, "side": "right"}, "thickness": 12},
        )
    )
    figure.update_yaxes(autorange="reversed").update_xaxes(tickangle=-40)
    return style_figure(figure, height=190 + 24 * len(rows))


def summary_text(points: pd.DataFrame, state: State) -> str:
    """The correlation beside the figure, and what the figure's bars are, as Markdown."""
    kept = shown_points(points, state)
    runs, domains = kept["sha256"].nunique(), kept["domain"].nunique()
    name = markdown(state["predictor"])
    if kept.empty:
        perhaps = f" Perhaps none of them has scores of {name}, or log-probabilities."
        return nothing_text(state) + (perhaps if nothing_text(state) == NOTHING else "")
    if domains == 1:
        line = f"One domain over {runs:,} runs. Scores of different runs share no unit, so no r is given."
    elif runs == 1:
        line = _one_run(kept, name)
    else:
        x, y, _ = by_run_and_domain(kept, "score", "y")
        pooled = statistics.pool_correlations(x, y, n_resamples=300)
        ends = f" {interval((pooled.bootstrap.low, pooled.bootstrap.high))}" if pooled.bootstrap else ""
        r = "undefined" if pooled.r is None else signed(pooled.r) + ends
        line = f"**{name}: pooled r {r}** over {runs:,} runs and {domains} domains ({len(kept):,} points)."
    if state["protocol"] == EXTREMES:
        line += (
            " Only each run's four largest and four smallest changes: they are chosen by what happened, which raises r "
            "by about .06 to .10."
        )
    return f"{line} {bars_text(kept, state)}"


def bars_text(kept: pd.DataFrame, state: State) -> str:
    """What the bars of the figure are, or why there are none."""
    if state["seed"] != ALL_SEEDS:
        return (
            f"Tuning seed {state['seed']} alone: the board keeps no error of a single seed, so there are no bars, and "
            "other seeds may give other changes."
        )
    if kept["error"].isna().all():
        return "These changes come without errors, so there are no bars."
    if len(kept) > MOST_BARS:
        return f"Above {MOST_BARS} points bars are left out; hover for a point's standard error."
    several = kept["n_seeds"] > 1
    if several.all():
        return "Bars: one standard error, over questions and tuning seeds."
    if several.any():
        return "Bars: one standard error, over questions, and over tuning seeds where a run has several."
    return "Bars: one standard error, over questions alone, since each run has one seed."


def points_table(points: pd.DataFrame, state: State, longest: int = 100) -> pd.DataFrame:
    """The drawn points as text."""
    unit = MEASURES[state["measure"]][2]
    columns: dict[str, Callable[[dict[Any, Any]], object]] = {
        "run": lambda point: point["sha256"][:BEGINNING],
        "model": lambda point: point["model"],
        "training set": lambda point: point["training set"],
        "domain": lambda point: point["domain"],
        "score": lambda point: f"{point['score']:.4g}",
        f"change, {unit}": lambda point: f"{point['change']:+.2f}",
        "SE": lambda point: f"{point['error']:.2f}" if np.isfinite(point["error"]) else "not given",
        "before": lambda point: f"{point['accuracy_before']:.1%}" if np.isfinite(point["accuracy_before"]) else "",
        "questions": lambda point: f"{point['n']:,.0f}",
    }
    return text_table(shown_points(points, state).head(longest).to_dict("records"), columns)


def _one_run(kept: pd.DataFrame, name: str) -> str:
    n = len(kept)
    if n < MIN_POINTS:
        return f"{n} points are too few for a correlation."
    found = correlations(np.zeros(n, dtype=np.intp), kept["score"].to_numpy(), kept["y"].to_numpy(), 1)
    r, low, high = (float(part[0]) for part in found)
    if not np.isfinite(low):
        return f"{name}: r is not defined here."
    return (
        f"**{name}: r {signed(r)} {interval((low, high))}** over {n} domains; "
        f"at this number |r| must exceed {statistics.critical_r(n):.2f} to differ from 0."
    )
