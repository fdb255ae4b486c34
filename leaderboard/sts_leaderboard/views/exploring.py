"""Predicted against actual: which points, what they say, and the figure of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from sts_eval.statistics import (
    critical_r,
    debiased_magnitude,
    extremes,
    pool_correlations,
)
from sts_eval.store.correlations import correlations
from sts_leaderboard.badges import BADGES, origin_of
from sts_leaderboard.inert import drawn, markdown, plain
from sts_leaderboard.shelf import BEGINNING
from sts_leaderboard.views.look import GREY, PALETTE, bare, empty

VIEWS = ("predicted against actual", "map of changes", "map of prediction errors")

COLOURED = ("domain", "model", "training set")

MEASURES = {"accuracy": ("delta", "se", "points"), "log-probability": ("logprob_delta", "logprob_se", "nats")}
"""Columns of the change and its error, and their unit."""

MOST_POINTS = 4000
"""Points that are shown at once: of the newest runs, whatever they found."""

MOST_BARS = 400
"""Points that are drawn with their errors; more bars are a grey wall."""

PAPER = 4
"""Domains from each end in the paper's protocol."""

_FEWEST = 4

NOTHING = "No run matches; clear the filters."

NO_SEED = "Log-probabilities are kept as means over seeds only: choose all seeds, or accuracy."


@dataclass(frozen=True)
class Dials:
    """What is shown.

    Attributes:
        predictor: Whose scores.
        measure: A key of `MEASURES`.
        absolute: The size of the change, noise's share taken off, instead of the signed change.
        paper: Only each run's four largest and four smallest changes.
        coloured: One of `COLOURED`.
        seed: The tuning seed whose change is shown; the mean over seeds if None.
    """

    predictor: str = "sts_icl"
    measure: str = "accuracy"
    absolute: bool = False
    paper: bool = False
    coloured: str = "domain"
    seed: int | None = None


def fitting(
    runs: pd.DataFrame,
    *,
    origin: str,
    models: Sequence[str] = (),
    training_sets: Sequence[str] = (),
    benchmarks: Sequence[str] = (),
) -> pd.DataFrame:
    """The runs of `Board.runs` that are up and fit, oldest first; what is empty restricts nothing."""
    fits = ~runs["withdrawn"] & (runs["origin"] == origin)
    for name, wanted in (("model", models), ("training_set", training_sets), ("benchmark", benchmarks)):
        if wanted:
            fits &= runs[name].isin(wanted)
    return runs[fits]


def newest(runs: pd.DataFrame, domains: Sequence[str] = (), most: int = MOST_POINTS) -> pd.DataFrame:
    """The newest runs that have at most so many points together.

    Args:
        runs: Oldest first.
        domains: Those that are shown; all if empty.
        most: Points.
    """
    sizes = runs["n_domains"].clip(upper=len(domains) or None)
    return runs[sizes[::-1].cumsum()[::-1] <= most]


def points_of(runs: pd.DataFrame, points: pd.DataFrame, domains: Sequence[str] = ()) -> pd.DataFrame:
    """Points of these runs, with their run's `model`, `training set`, `benchmark`, `origin` and `n_seeds`.

    Args:
        runs: Rows of `Board.runs`.
        points: As `Board.points` gives them.
        domains: All if empty.
    """
    some = runs[["sha256", "model", "training_set", "benchmark", "origin", "n_seeds"]]
    some = some.rename(columns={"training_set": "training set"}).reset_index(drop=True)
    here = points[points["sha256"].isin(some["sha256"])].assign(
        sha256=lambda frame: frame["sha256"].astype(object), domain=lambda frame: frame["domain"].astype(object)
    )
    if domains:
        here = here[here["domain"].isin(domains)]
    return here.merge(some, on="sha256", how="left").reset_index(drop=True)


def of_seed(points: pd.DataFrame, seed_changes: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Points with the change under one tuning seed in place of the mean; runs without that seed are left out.

    The board keeps neither the error of a single seed nor its log-probabilities, so these become NaN.

    Args:
        points: As `points_of` gives them.
        seed_changes: As `Board.seed_changes` gives them: `sha256`, `domain`, `seed`, `delta` in points.
        seed: Which one.
    """
    theirs = seed_changes[(seed_changes["seed"] == seed) & seed_changes["sha256"].isin(points["sha256"].unique())]
    keys = ["sha256", "domain"]
    alone = theirs[[*keys, "delta"]].astype(dict.fromkeys(keys, object))
    found = points.drop(columns="delta").merge(alone, on=keys, how="inner")
    return found.assign(se=np.nan, logprob_delta=np.nan, logprob_se=np.nan)[list(points.columns)]


def prepared(points: pd.DataFrame, dials: Dials) -> pd.DataFrame:
    """The points that are drawn: `x`, `y`, `error`, and what the hover says.

    With one run x is the score itself. With more it is the score in standard deviations of its run, since scores of
    different runs share no unit; a single domain keeps its scores.
    """
    change, se, _ = MEASURES[dials.measure]
    if dials.predictor not in points:
        return points.iloc[:0].assign(x=[], y=[], error=[], score=[], change=[])
    kept = points[points[dials.predictor].notna() & points[change].notna()].copy()
    kept["score"], kept["change"], kept["error"] = kept[dials.predictor], kept[change], kept[se]
    if dials.paper:
        kept = _extremes_only(kept)
    kept["y"] = (
        debiased_magnitude(kept["change"].to_numpy(), np.nan_to_num(kept["error"].to_numpy()))
        if dials.absolute
        else kept["change"]
    )
    kept["x"] = kept["score"]
    if kept["sha256"].nunique() > 1 and kept["domain"].nunique() > 1:
        by_run = kept.groupby("sha256", sort=False)["score"]
        spread = by_run.transform("std", ddof=0)
        kept["x"] = ((kept["score"] - by_run.transform("mean")) / spread.where(spread > 0)).fillna(0.0)
    return kept


def scatter(points: pd.DataFrame, dials: Dials) -> go.Figure:
    """Predicted against actual, a point per run and domain, bars of one standard error."""
    kept = prepared(points, dials)
    if kept.empty:
        return empty(nothing(dials))
    unit = MEASURES[dials.measure][2]
    figure = go.Figure()
    shape = BADGES[origin_of(str(kept["origin"].iloc[0]))].symbol
    bars = dials.seed is None and len(kept) <= MOST_BARS
    for place, (name, some) in enumerate(kept.groupby(dials.coloured, sort=True)):
        figure.add_scatter(
            x=some["x"],
            y=some["y"],
            error_y={"array": some["error"].fillna(0.0), "visible": bars, "thickness": 1, "width": 2},
            mode="markers",
            name=drawn(name),
            marker={"color": PALETTE[place % len(PALETTE)], "symbol": shape, "size": 9, "opacity": 0.85},
            customdata=np.stack(
                [
                    some["domain"].map(drawn),
                    some["model"].map(drawn),
                    some["training set"].map(drawn),
                    some["score"].map(lambda value: f"{value:.4g}"),
                    some["change"].map(lambda value: f"{value:+.3g}"),
                    some["error"].map(lambda value: f"{value:.2g}" if np.isfinite(value) else "not given"),
                    some["n"].map(lambda value: f"{value:,.0f}"),
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
    figure.update_xaxes(title=f"predicted: {drawn(dials.predictor)}" + (", in sd of its run" if standard else ""))
    what = "change"
    if dials.absolute:
        known = kept["error"].notna().any()
        what = "size of the change, " + ("noise taken off" if known else "with its noise, which is not known")
    alone = "" if dials.seed is None else f" under seed {dials.seed}"
    figure.update_yaxes(title=f"actual: {what}{alone}, {unit}")
    bare(figure, height=540)
    many = kept[dials.coloured].nunique() > 16  # noqa: PLR2004 - a legend that fits beside the figure
    figure.update_layout(showlegend=not many, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"})
    return figure


def words(points: pd.DataFrame, dials: Dials) -> str:
    """The figures beside the figure, as Markdown."""
    kept = prepared(points, dials)
    runs, domains = kept["sha256"].nunique(), kept["domain"].nunique()
    if kept.empty:
        if dials.seed is not None and dials.measure != "accuracy":
            return NO_SEED
        return f"{NOTHING} Perhaps none of them has scores of {markdown(dials.predictor)}, or log-probabilities."
    name = markdown(dials.predictor)
    lines = []
    if domains == 1:
        lines.append(f"One domain over {runs:,} runs. Scores of different runs share no unit, so no r is given.")
    elif runs == 1:
        lines.append(_one_run(kept, name))
    else:
        x, y, _ = arrays(kept, "score", "y")
        pooled = pool_correlations(x, y, n_resamples=300)
        ends = pooled.bootstrap and f" [{pooled.bootstrap.low:+.2f}, {pooled.bootstrap.high:+.2f}]"
        r = "undefined" if pooled.r is None else f"{pooled.r:+.2f}{ends or ''}"
        lines.append(f"**{name}: pooled r {r}** over {runs:,} runs and {domains} domains ({len(kept):,} points).")
    if dials.paper:
        lines.append(
            "Only each run's four largest and four smallest changes: they are chosen by what happened, which raises r "
            "by about .06 to .10."
        )
    return " ".join([*lines, bars(kept, dials)])


def bars(kept: pd.DataFrame, dials: Dials) -> str:
    """What the bars of the figure are, or why there are none."""
    if dials.seed is not None:
        return (
            f"Tuning seed {dials.seed} alone: the board keeps no error of a single seed, so there are no bars, and "
            "nothing is said of how other seeds would fall out."
        )
    if kept["error"].isna().all():
        return "These changes come without errors, so there are no bars."
    if len(kept) > MOST_BARS:
        return f"Above {MOST_BARS} points bars are left out; hover for a point's standard error."
    several = kept["n_seeds"] > 1
    if several.all():
        return "Bars: one standard error, over questions and tuning seeds."
    return "Bars: one standard error, over questions" + (
        ", and over tuning seeds where a run has several." if several.any() else " alone, since each run has one seed."
    )


def nothing(dials: Dials) -> str:
    """Why a figure is empty."""
    return NO_SEED if dials.seed is not None and dials.measure != "accuracy" else NOTHING


def _one_run(kept: pd.DataFrame, name: str) -> str:
    n = len(kept)
    if n < _FEWEST:
        return f"{n} points are too few for a correlation."
    found = correlations(np.zeros(n, dtype=np.intp), kept["score"].to_numpy(), kept["y"].to_numpy(), 1)
    if not np.isfinite(found.low[0]):
        return f"{name}: r is not defined here."
    return (
        f"**{name}: r {found.r[0]:+.2f} [{found.low[0]:+.2f}, {found.high[0]:+.2f}]** over {n} domains; "
        f"at this number |r| must exceed {critical_r(n):.2f} to differ from 0."
    )


def as_table(points: pd.DataFrame, dials: Dials, longest: int = 100) -> pd.DataFrame:
    """The drawn points as text."""
    kept = prepared(points, dials).head(longest)
    unit = MEASURES[dials.measure][2]
    return pd.DataFrame(
        {
            "run": kept["sha256"].str[:BEGINNING].to_list(),
            "model": [plain(one) for one in kept["model"]],
            "training set": [plain(one) for one in kept["training set"]],
            "domain": [plain(one) for one in kept["domain"]],
            "score": [f"{one:.4g}" for one in kept["score"]],
            f"change, {unit}": [f"{one:+.2f}" for one in kept["change"]],
            "SE": [f"{one:.2f}" if np.isfinite(one) else "not given" for one in kept["error"]],
            "before": [f"{one:.1%}" if np.isfinite(one) else "" for one in kept["accuracy_before"]],
            "questions": [f"{one:,.0f}" for one in kept["n"]],
        },
        dtype=object,
    )


def _extremes_only(kept: pd.DataFrame) -> pd.DataFrame:
    """Of each run the paper's domains; runs with fewer than eight are left out."""
    parts = [
        some.iloc[np.sort(extremes(some["change"].to_numpy(), PAPER))]
        for _, some in kept.groupby("sha256", sort=False)
        if len(some) >= 2 * PAPER
    ]
    return pd.concat(parts) if parts else kept.iloc[:0]


def arrays(kept: pd.DataFrame, *columns: str) -> tuple[NDArray[np.float64], NDArray[np.float64], pd.DataFrame]:
    """Two columns as runs by domains, and the run of each row, by model and training set."""
    rows = kept.drop_duplicates("sha256")[["sha256", "model", "training set"]].sort_values(["model", "training set"])
    domains = sorted(kept["domain"].unique())
    first, second = (
        kept.pivot(index="sha256", columns="domain", values=name)
        .reindex(index=list(rows["sha256"]), columns=domains)
        .to_numpy(dtype=np.float64)
        for name in columns
    )
    return first, second, rows
