"""Points of runs and domains: which of them are shown, how they are drawn, and the text beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from sts_eval import statistics
from sts_eval.analysis import breakdown
from sts_eval.analysis.wording import interval, signed
from sts_eval.records.comparison import AWAY, SET_BY_DOMAIN, SIZE
from sts_eval.statistics.correlation import MIN_POINTS
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.store.correlations import correlations
from sts_leaderboard.asked import asked
from sts_leaderboard.board_cache import BEGINNING, RESAMPLES
from sts_leaderboard.cells import figure_table, number
from sts_leaderboard.escaping import figure_text, markdown
from sts_leaderboard.style import GREY, PALETTE, SYMBOLS, empty_figure, style_figure
from sts_leaderboard.url_state import State

# Columns of the change and its error, and their unit.
MEASURES = {"accuracy": ("delta", "se", "points"), "log-probability": ("logprob_delta", "logprob_se", "nats")}
MOST_BARS = 400  # Points that are drawn with their errors; more bars are a grey wall.
MOST_NAMES = 16  # Names of a legend that fits beside a figure.
MOST_ROWS = 100  # Points of the table below a figure.
PAPER = 4  # Domains from each end in the paper's protocol.
NOTHING = "No run matches; clear the filters."
NO_SETS = "This question needs three training sets of a model: choose more runs, or ask another question."
NO_SEED = "Log-probabilities are kept as means over seeds only: choose all seeds, or accuracy."

ALL, EXTREMES = "all domains", "the paper's 4+4"  # The second are each run's four largest and four smallest changes.
BEYOND_MEANS = ", beyond the means of its run and domain"
ALL_SEEDS = "all seeds (mean)"


def points_of(runs: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Points of some rows of `Board.runs`, with the run's model, training set, benchmark, origin, seeds and home."""
    some = runs[["sha256", "model", "training_set", "benchmark", "origin", "n_seeds", "home"]]
    some = some.rename(columns={"training_set": "training set"}).reset_index(drop=True)
    here = points[points["sha256"].isin(some["sha256"])].astype({"sha256": object, "domain": object})
    return here.merge(some, on="sha256", how="left").reset_index(drop=True)


def in_domains(points: pd.DataFrame, state: State) -> pd.DataFrame:
    """Points of the domains of a state; all if it names none."""
    return points[points["domain"].isin(state["domain"])] if state["domain"] else points


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

    y is the change as the question takes it. With one run x is the score itself. With more it is the score in standard
    deviations of its run, since scores of different runs share no unit. Where the question is about sets, both are what
    is left after the means of the run and of the domain within a model.
    """
    question, _ = asked(state)
    change, se, _ = MEASURES[state["measure"]]
    score: Any = points.get(state["predictor"], np.nan)
    kept = points.assign(score=score, change=points[change], error=points[se])
    kept = kept.dropna(subset=["score", "change"])
    if question in AWAY:
        kept = kept[[domain not in home for domain, home in zip(kept["domain"], kept["home"], strict=True)]]
    if state["protocol"] == EXTREMES:
        # Runs with fewer than twice as many domains are left out.
        runs = [some for _, some in kept.groupby("sha256", sort=False) if len(some) >= 2 * PAPER]
        ends = [some.iloc[np.sort(statistics.extremes(some["change"].to_numpy(), PAPER))] for some in runs]
        kept = pd.concat(ends) if ends else kept.iloc[:0].copy()
    kept = kept.assign(x=kept["score"], y=kept["change"])
    if question == "how_much":
        kept["y"] = kept["change"].abs()
    elif question in SIZE:
        kept["y"] = statistics.debiased_magnitude(kept["change"].to_numpy(), kept["error"].to_numpy())
    if kept["sha256"].nunique() > 1:
        by_run = kept.groupby("sha256", sort=False)["score"]
        spread = by_run.transform("std", ddof=0)
        kept["x"] = ((kept["score"] - by_run.transform("mean")) / spread.where(spread > 0)).fillna(0.0)
    if question in SET_BY_DOMAIN and len(kept):
        scored, rows, columns = as_scored(kept, state)
        x, y = SetByDomainTable(scored.outcome, scored.units).residuals(scored.scores)
        kept = kept.assign(x=x[rows, columns], y=y[rows, columns]).dropna(subset=["x", "y"])
    return in_domains(kept, state)


def as_scored(kept: pd.DataFrame, state: State) -> tuple[breakdown.Scored, Any, Any]:
    """Points as the arrays that the core correlates, and each point's place in them: its run and its domain."""
    rows, runs = pd.factorize(kept["sha256"], sort=True)
    domains = list(kept.sort_values("sha256", kind="stable")["domain"].unique())
    places = pd.Index(domains).get_indexer(kept["domain"])
    scores, outcome = np.full((2, len(runs), len(domains)), np.nan)
    scores[rows, places], outcome[rows, places] = (kept[column] for column in ("score", "y"))
    first = kept.drop_duplicates("sha256").set_index("sha256").loc[runs]
    names = tuple(first["model"]), tuple(first["training set"])
    return breakdown.Scored(asked(state)[0], scores, outcome, *names, tuple(domains)), rows, places


def nothing_text(state: State) -> str:
    """Why there are no points."""
    if asked(state)[0] in SET_BY_DOMAIN:
        return NO_SETS
    return NO_SEED if state["seed"] != ALL_SEEDS and state["measure"] != "accuracy" else NOTHING


def scatter(points: pd.DataFrame, state: State) -> go.Figure:
    """Predicted against actual, a point per run and domain, bars of one standard error."""
    kept = shown_points(points, state)
    if kept.empty:
        return empty_figure(nothing_text(state))
    figure, unit = go.Figure(), MEASURES[state["measure"]][2]
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
            marker={**marker(place), "size": 9, "opacity": 0.85},
            customdata=np.stack([some[column].map(text) for column, text in hover.items()], axis=-1),
            hovertemplate=(
                "<b>%{customdata[0]}</b><br>%{customdata[1]} on %{customdata[2]}<br>score %{customdata[3]}<br>"
                f"change %{{customdata[4]}} {unit} ± %{{customdata[5]}}<br>%{{customdata[6]}} questions<br>"
                "run %{customdata[7]}<extra></extra>"
            ),
        )
    figure.add_hline(y=0, line_color=GREY, line_width=1)
    question, _ = asked(state)
    standard = not np.array_equal(kept["x"].to_numpy(), kept["score"].to_numpy())
    score = figure_text(state["predictor"]) + (" (standard deviations of its run)" if standard else "")
    what = "size of the change" if question in SIZE else "change"
    if question in SET_BY_DOMAIN:
        score, what = figure_text(state["predictor"]) + BEYOND_MEANS, what + BEYOND_MEANS
    if state["seed"] != ALL_SEEDS:
        what += f" under seed {state['seed']}"
    figure.update_layout(xaxis_title=f"predicted: {score}", yaxis_title=f"actual: {what}, {unit}")
    # Above, its many names would leave a phone no room for the figure; measured from the plot, they meet its axis.
    below = {"yref": "container", "yanchor": "bottom", "y": 0, "font": {"size": 11}, "itemwidth": 30}
    return style_figure(figure, height=580).update_layout(
        legend=below, showlegend=kept[state["colour"]].nunique() <= MOST_NAMES
    )


def marker(place: int) -> dict[str, str]:
    """Colour and symbol of the group at a place: no two of fourteen share either."""
    return {"color": PALETTE[place % len(PALETTE)], "symbol": SYMBOLS[place % len(SYMBOLS)]}


def summary_text(points: pd.DataFrame, state: State) -> str:
    """The correlation beside the figure, and what the figure's bars are, as Markdown."""
    kept = shown_points(points, state)
    runs, domains = kept["sha256"].nunique(), kept["domain"].nunique()
    name = markdown(state["predictor"])
    if kept.empty:
        perhaps = f" Perhaps none of them has scores of {name}, or log-probabilities."
        return nothing_text(state) + (perhaps if nothing_text(state) == NOTHING else "")
    scored, _, _ = as_scored(kept, state)
    if runs == 1 and asked(state)[0] not in SET_BY_DOMAIN:
        line = _one_run(kept, name, markdown(state["question"].lower()))
    elif domains == 1:
        line = _one_domain(in_every_domain(points, state), kept["domain"].iloc[0], name, state)
    else:
        found = breakdown.overall(scored, n_resamples=RESAMPLES)
        line = (
            f"**{name}: pooled r {estimate(found)}** over {runs:,} runs and {domains} domains ({len(kept):,} points): "
            f"{markdown(state['question'].lower())}."
        )
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


def points_table(points: pd.DataFrame, state: State) -> dict[str, Any]:
    """The first of the drawn points."""
    unit = MEASURES[state["measure"]][2]
    columns: dict[str, Callable[[dict[Any, Any]], object]] = {
        "run": lambda point: point["sha256"][:BEGINNING],
        "model": lambda point: point["model"],
        "training set": lambda point: point["training set"],
        "domain": lambda point: point["domain"],
        "score": lambda point: number(point["score"], f"{point['score']:.4g}"),
        f"change, {unit}": lambda point: number(point["change"], f"{point['change']:+.2f}"),
        "SE": lambda point: number(point["error"], f"{point['error']:.2f}"),
        "before": lambda point: number(point["accuracy_before"], f"{point['accuracy_before']:.1%}"),
        "questions": lambda point: number(point["n"], f"{point['n']:,.0f}"),
    }
    return figure_table(shown_points(points, state).head(MOST_ROWS).to_dict("records"), columns)


def in_every_domain(points: pd.DataFrame, state: State) -> pd.DataFrame:
    """The points of a state, whatever domains it names."""
    return shown_points(points, {**state, "domain": ()})


def estimate(found: breakdown.Part) -> str:
    """A correlation with its interval, or why there is none, as Markdown."""
    if found.r is None:
        return f"undefined ({markdown(found.undefined or 'no points')})"
    return f"{signed(found.r)} {interval(found.interval) if found.interval else '(no interval)'}"


def _one_domain(kept: pd.DataFrame, domain: str, name: str, state: State) -> str:
    parts = breakdown.by_domain(as_scored(kept, state)[0], n_resamples=RESAMPLES)
    found = next(part for part in parts if part.name == domain)
    return (
        f"**{name} in {markdown(domain)}: r {estimate(found)}** over {found.n_runs:,} runs. Each score is in standard "
        "deviations of its run's domains, so this asks in which runs the domain changes more, not which domain does."
    )


def _one_run(kept: pd.DataFrame, name: str, asked_for: str) -> str:
    n = len(kept)
    if n < MIN_POINTS:
        return f"{n} points are too few for a correlation."
    found = correlations(np.zeros(n, dtype=np.intp), kept["score"].to_numpy(), kept["y"].to_numpy(), 1)
    r, low, high = (float(part[0]) for part in found)
    if np.isnan(r):
        return f"{name}: r is not defined here, since the score or the change is the same in all domains."
    ends = interval((low, high)) if np.isfinite(low) else "(the points lie on a line, so there is no interval)"
    return (
        f"**{name}: r {signed(r)} {ends}** over {n} domains: {asked_for}; "
        f"at this number |r| must exceed {statistics.critical_r(n):.2f} to differ from 0."
    )
