"""Predictors ranked over chosen runs: the table, what is added to history, and the intervals as a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from sts_eval.analysis.wording import interval, p_value, signed, unsigned
from sts_eval.records.comparison import AddedTable, Comparison, Ends, Measure, Question, Row, Standing, Table
from sts_eval.report.comparison import (
    ADDED_HEADER,
    SHOWN,
    added_cells,
    added_title,
    by_runs,
    difference,
    name_cell,
    title,
)
from sts_leaderboard.inert import drawn, markdown, plain
from sts_leaderboard.shelf import FEWEST
from sts_leaderboard.views.look import GREY, bare

QUESTIONS: dict[str, Question] = {
    "How much a domain changes": "how_much",
    "Which way it changes": "which_way",
    "Which set helps which domain": "which_set",
    "… home domains left out": "which_set_away",
}
"""By what the page calls them."""

MEASURES: dict[str, Measure] = {"accuracy": "accuracy", "log-probability": "logprob"}

MOST_RUNS = 60
"""Runs that are compared at most: some seconds of one core, in the background, by benchmarks/results/board_load.md."""

MOST_SAVED = 2000
"""Runs that are saved at most, some 20 KB each."""

MOST_NAMED = 10
"""Runs that are named among those left out."""

STANDINGS: dict[Standing, tuple[str, str]] = {
    "ranked": ("ranked", "#2f7fb8"),
    "history": ("history", "#c2752d"),
    "oracle": ("oracle, not ranked", "#8a8a8a"),
}


@dataclass(frozen=True)
class Chosen:
    """Runs that a ranking is over.

    Attributes:
        shas: Their names, sorted.
        allowed: Names of all that could be compared, the newest last.
        notes: Which ones were left out, and why; Markdown.
    """

    shas: tuple[str, ...]
    allowed: tuple[str, ...]
    notes: tuple[str, ...]


def choose(
    runs: pd.DataFrame,
    *,
    origin: str,
    benchmark: str,
    models: tuple[str, ...] = (),
    training_sets: tuple[str, ...] = (),
) -> Chosen:
    """Runs of one origin and one benchmark: up, not flagged, one for each model and training set, on shared domains.

    Late predictions and duplicates do not rank among measured runs. Of several runs of one model and training set the
    one with the best evidence stands, then the newest; which SAE or layer it used does not matter. If they share too
    few domains, the largest group that does is taken (`sharing`), and of that the newest `MOST_RUNS`. What a run found
    plays no part.
    """
    here = runs[(runs["origin"] == origin) & (runs["benchmark"] == benchmark)]
    if models:
        here = here[here["model"].isin(models)]
    if training_sets:
        here = here[here["training_set"].isin(training_sets)]
    up = here[~here["withdrawn"] & here["flagged"].isna() & here["duplicate_of"].isna()]
    if origin == "measured":
        up = up[up["ranked"]]
    notes = []
    if len(up) < len(here):
        notes.append(f"{_runs(len(here) - len(up))} left out: withdrawn, flagged, post hoc or duplicates.")
    best = up.assign(evidence=up["tier"].map({"rerun": 2, "recomputed": 1}).fillna(0))
    best = best.sort_values(["evidence", "accepted"], kind="stable")
    one = best.drop_duplicates(["model", "training_set"], keep="last")
    if len(one) < len(best):
        notes.append(
            f"Where several runs are of one model and training set, one stands ({len(best) - len(one):,} left out): "
            "history must not see a run's twin."
        )
    fits = sharing(one["domains"].tolist())
    if not all(fits):
        notes.append(_unlike(one[~pd.Series(fits, index=one.index)], any(fits)))
        one = one[fits]
    one = one.reset_index(drop=True).sort_values(["accepted", "sha256"], kind="stable")
    if len(one) > MOST_RUNS:
        notes.append(
            f"The newest {MOST_RUNS} of {len(one):,} runs are compared; choose models or sets for others. **Runs (JSON "
            f"lines)** saves the newest {MOST_SAVED:,} for `sts-eval compare runs.jsonl` on your own machine."
        )
    allowed = tuple(one["sha256"])
    return Chosen(tuple(sorted(allowed[-MOST_RUNS:])), allowed, tuple(notes))


def sharing(domains: Sequence[tuple[str, ...]]) -> list[bool]:
    """Which runs belong to the largest group that shares `FEWEST` domains; all of them if all do.

    Looked at are the groups of runs that have all the domains of one of them. Of equally large groups the one on more
    domains is taken, then the one whose domains come first in the alphabet. None belongs if no run has so many.

    Args:
        domains: Of each run.
    """
    each = [frozenset(one) for one in domains]
    if not each or len(frozenset.intersection(*each)) >= FEWEST:
        return [True] * len(each)
    common = Counter(each)
    groups = [
        (-sum(number for other, number in common.items() if some <= other), -len(some), sorted(some))
        for some in common
        if len(some) >= FEWEST
    ]
    wanted = frozenset(min(groups)[2]) if groups else None
    return [wanted is not None and wanted <= one for one in each]


def _unlike(left_out: pd.DataFrame, others: bool) -> str:
    """Which runs were left out for their domains."""
    if not others:
        return f"{_runs(len(left_out))} left out: none has {FEWEST} domains."
    names = [
        f"{markdown(model)} on {markdown(name)}"
        for model, name in zip(left_out["model"], left_out["training_set"], strict=True)
    ]
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return (
        f"{_runs(len(left_out))} left out, not asked the domains that most runs share: "
        f"{', '.join(names[:MOST_NAMED])}{more}."
    )


def _runs(number: int) -> str:
    return f"{number:,} run is" if number == 1 else f"{number:,} runs are"


def leading_benchmark(runs: pd.DataFrame, origin: str) -> str:
    """The benchmark that most runs of an origin are of; empty if there are none."""
    counted = runs.loc[(runs["origin"] == origin) & ~runs["withdrawn"], "benchmark"].value_counts()
    return str(counted.index[0]) if len(counted) else ""


def table(found: Table, reference: str) -> pd.DataFrame:
    """Ranked predictors by rank and within it by r, then history, then oracles, as text."""
    sign = found.question == "which_way"
    rows = [_cells(row, found, sign=sign) for row in by_rank(found.rows)]
    header = ["rank", "predictor", "r", "95% bootstrap", f"95% {by_runs(found)}", "p", f"− {reference}", "− history"]
    header += ["AUROC"] if sign else []
    return pd.DataFrame(rows, columns=[*header, "runs", "seconds", "passes", "flags", "what it is"], dtype=object)


def by_rank(rows: Sequence[Row]) -> list[Row]:
    """Rows by rank, otherwise as they come: by r a predictor may stand between two that share a better rank."""
    return sorted(rows, key=lambda row: row.rank or len(rows) + 1)


def _cells(row: Row, found: Table, *, sign: bool) -> list[str]:
    cost = row.cost
    place = str(row.rank) if row.rank else {"ranked": "–", "history": "history", "oracle": "oracle"}[row.standing]
    cells = [
        place,
        plain(name_cell(row, found)),
        signed(row.r),
        interval(row.bootstrap),
        interval(row.hksj),
        p_value(row.p_permutation),
        difference(row.from_reference),
        difference(row.from_history),
    ]
    cells += [unsigned(row.sign.auroc if row.sign else None)] if sign else []
    passes = (
        f"{cost.passes:,.0f}" + (f" + {cost.backward_passes:,.0f} back" if cost.backward_passes else "")
        if cost
        else "–"
    )
    return [
        *cells,
        str(row.n_runs),
        f"{cost.seconds:.1f}" if cost else "–",
        passes,
        " ".join(row.flags),
        plain(row.summary),
    ]


def added(found: AddedTable) -> pd.DataFrame:
    """What predictors add to history, as text."""
    rows = [[plain(added_cells(row)[place]) for place in SHOWN] for row in found.rows]
    return pd.DataFrame(rows, columns=[ADDED_HEADER[place] for place in SHOWN], dtype=object)


def heading(found: Table) -> str:
    """What the table is about, as Markdown."""
    return f"**{markdown(title(found))}**"


def added_heading(found: AddedTable) -> str:
    """What the deciding table is about, as Markdown."""
    return f"**{markdown(added_title(found))}**"


def answers(comparison: Comparison) -> str:
    """Warnings and the verdict as Markdown."""
    lines = [f"- ⚠ {markdown_line(line)}" for line in comparison.warnings]
    return "\n".join([*lines, *(f"- {markdown_line(line)}" for line in comparison.verdict)])


def markdown_line(line: str) -> str:
    """A sentence of the comparison, longer than a cell."""
    return " ".join(markdown(word) for word in line.split())


def forest(found: Table, reference: str) -> go.Figure:
    """Every predictor's r: thick bars are the bootstrap over runs and domains, thin ones HKSJ (Fisher for one run)."""
    rows = [row for row in found.rows if row.r is not None][::-1]
    drawing = go.Figure()
    for standing, (label, colour) in STANDINGS.items():
        some = [row for row in rows if row.standing == standing]
        if not some:
            continue
        names = [drawn(row.name) for row in some]
        for kind, width, opacity in (("hksj", 1.2, 1.0), ("bootstrap", 5, 0.4)):
            x: list[float | None] = []
            y: list[str | None] = []
            for name, row in zip(names, some, strict=True):
                both: Ends | None = getattr(row, kind)
                if both:
                    x += [*both, None]
                    y += [name, name, None]
            line = {"color": colour, "width": width}
            drawing.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line=line,
                opacity=opacity,
                hoverinfo="skip",
                showlegend=False,
            )
        drawing.add_scatter(
            x=[row.r for row in some],
            y=names,
            mode="markers",
            name=label,
            marker={
                "color": colour,
                "size": [13 if row.name == reference else 8 for row in some],
                "symbol": ["star" if row.name == reference else "circle" for row in some],
            },
            customdata=[[interval(row.bootstrap), str(row.rank or "–"), row.n_points] for row in some],
            hovertemplate=(
                "%{y}<br>r %{x:+.2f} %{customdata[0]}<br>rank %{customdata[1]}, %{customdata[2]} points<extra></extra>"
            ),
        )
    if found.ceiling is not None and found.ceiling < 1:
        drawing.add_vrect(x0=found.ceiling, x1=1, fillcolor=GREY, opacity=0.18, line_width=0)
        drawing.add_annotation(
            x=1, y=1.0, yref="paper", yanchor="bottom", xanchor="right", showarrow=False, text="above the noise ceiling"
        )
    drawing.add_vline(x=0, line_color=GREY, line_width=1)
    drawing.update_xaxes(title="pooled r (95% intervals)", range=[-1, 1])
    drawing.update_yaxes(categoryorder="array", categoryarray=[drawn(row.name) for row in rows])
    return bare(drawing, height=140 + 19 * len(rows))
