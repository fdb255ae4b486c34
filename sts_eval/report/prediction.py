"""A prediction for people: a ranked table with bars, the reasons, and a plot."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sts_eval.errors import UserError
from sts_eval.records.prediction import SCORES, Prediction, Score
from sts_eval.report.console import standard_output
from sts_eval.report.predictors import column_table

BAR = 12

NAMES = {"sts_icl": "STS_ICL", "sts_act": "STS_act", "sts_notebook": "notebook"}


def print_prediction(prediction: Prediction, rank_by: str, console: Console | None = None) -> None:
    """Print domains by expected impact, why, and what it cost.

    Args:
        prediction: The record.
        rank_by: The score to rank by, one of `SCORES`.
        console: Where to print; standard output if None.
    """
    console = console or standard_output()
    console.print(score_table(prediction, rank_by))
    console.print(reason_table(prediction, rank_by))
    if prediction.others:
        console.print(column_table(prediction))
    console.print(
        "A high score says that tuning will change a domain, not that it will help it. Scores compare domains "
        "within one run; they are no points of accuracy.",
        style="dim",
    )
    for warning in prediction.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    cost = prediction.cost
    spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in cost.seconds.items())
    console.print(f"Cost: {spent}; {cost.tokens:,} tokens in {cost.passes:,} partial forward passes.", highlight=False)


def score_table(prediction: Prediction, rank_by: str) -> Table:
    """Domains ranked by a score, each score with its standard error and, over seeds, its sd."""
    n_seeds = len(prediction.shifts)
    title = f"{_base(prediction.model.id)} tuned on {_base(prediction.training_set.source)}: predicted impact"
    if n_seeds > 1:
        title += f" (mean of {n_seeds} seeds ±standard error over questions (sd over seeds))"
    else:
        title += " (±standard error over questions)"
    table = Table(title=title, title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("domain", no_wrap=True)
    order = [rank_by, *(name for name in SCORES if name != rank_by)]
    for name in order:
        table.add_column(NAMES[name], justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("questions", justify="right")
    ranked = prediction.ranked(rank_by)
    scores = {name: prediction.predictor(name).scores for name in SCORES}
    highest = max(score.value for score in scores[rank_by].values())
    for rank, domain in enumerate(ranked, start=1):
        value = scores[rank_by][domain.domain].value
        bar = "█" * max(0, round(BAR * value / highest)) if highest > 0 else ""
        cells = [_score(scores[name][domain.domain]) for name in order]
        table.add_row(str(rank), escape(domain.domain), *cells, f"[cyan]{bar}[/]", str(domain.n_questions))
    return table


def reason_table(prediction: Prediction, rank_by: str, features: int = 8) -> Table:
    """The most shifted features: their share of the first domain's score, and what fires them."""
    leading = prediction.ranked(rank_by)[0].domain
    which = "share_of_act" if rank_by == "sts_act" else "share_of_icl"
    share = prediction.shifts[0].share_of_total
    title = (
        f"Why: the features that demonstrations move most (the top {len(prediction.shifts[0].features)} carry "
        f"{share:.0%} of all change)"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("feature", justify="right")
    table.add_column("shift", justify="right")
    table.add_column(f"share of {escape(leading)}", justify="right")
    table.add_column("leans on it most", no_wrap=True)
    table.add_column("fires on", overflow="fold")
    linked = any(reason.neuronpedia for reason in prediction.reasons)
    if linked:
        table.add_column("Neuronpedia", overflow="fold")
    for reason in prediction.reasons[:features]:
        shares = getattr(reason, which)
        most = max(shares, key=lambda domain: shares[domain])
        tokens = "  ".join(dict.fromkeys(_visible(firing.token) for firing in reason.firings))
        row = [
            str(reason.feature),
            f"{reason.shift:.3g}",
            f"{shares[leading]:.1%}",
            f"{escape(most)} {shares[most]:.1%}",
            escape(tokens) or "(no token of these questions)",
        ]
        table.add_row(*row, *([reason.neuronpedia or ""] if linked else []))
    return table


def draw_scores(prediction: Prediction, score: str, path: Path) -> None:
    """Draw a score per domain as bars with standard errors, highest on top.

    Raises:
        UserError: The path's ending names no image format.
    """
    from matplotlib.figure import Figure

    ranked = prediction.ranked(score)[::-1]
    found = prediction.predictor(score).scores
    values = [found[domain.domain].value for domain in ranked]
    errors = [found[domain.domain].se or 0.0 for domain in ranked]
    figure = Figure(figsize=(7, 0.32 * len(ranked) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh(
        [domain.domain for domain in ranked],
        values,
        xerr=errors,
        color="#3b78a8",
        ecolor="#333333",
        capsize=2,
    )
    axes.set_xlabel(f"{NAMES[score]} (bars: standard error over questions)")
    axes.set_title(f"{_base(prediction.model.id)} tuned on {_base(prediction.training_set.source)}: predicted impact")
    axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise UserError(f"{path} names no image format", "End it in .png, .pdf or .svg") from error


def _score(score: Score) -> str:
    se = f" ±{score.se:.2g}" if score.se is not None else ""
    sd = f" ({score.seed_sd:.2g})" if score.seed_sd is not None else ""
    return f"{score.value:.4g}{se}{sd}"


def _visible(token: str) -> str:
    text = token.replace("\n", "↵").strip()
    return text or "␣"


def _base(name: str) -> str:
    """The last part of a path or hub id, which is what people call it."""
    return name.rstrip("/").rsplit("/", 1)[-1]
