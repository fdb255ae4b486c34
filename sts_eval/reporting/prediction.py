"""A prediction for people: ranked domains with bars, the reasons, other predictors, the cost, and a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sts_eval.analysis.wording import signed
from sts_eval.errors import UserError
from sts_eval.records.meaning import FeatureMeaning
from sts_eval.records.prediction import ROBUST, SCORES, DomainQuestions, FeatureReason, Prediction, Score
from sts_eval.reporting.meanings import excerpt_line, print_features
from sts_eval.reporting.terminal import standard_output, text_table, warn
from sts_eval.statistics.agreement import rank_correlation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BAR = 12  # characters of the longest bar
NAMES = {"sts_icl": "STS_ICL", "sts_act": "STS_act", "sts_notebook": "notebook"}
REASONS = 8  # most shifted features that are shown
NAMED = 2  # domains named at either end
SAME = "the same in all domains"
FEWEST_RANKED = 3  # domains below which ranks say nothing


def print_prediction(prediction: Prediction, rank_by: str, console: Console | None = None) -> None:
    """Print domains by expected impact (`rank_by` is one of `SCORES`), why, and what it cost."""
    console = console or standard_output()
    console.print(score_table(prediction, rank_by))
    console.print(reason_table(prediction, rank_by))
    if prediction.meanings:
        print_features(prediction.meanings, console=console)
    several = len(prediction.domains) >= FEWEST_RANKED
    if prediction.others and several:
        console.print(predictor_table(prediction))
    if several and (agreement := robust_agreement(prediction)):
        console.print(agreement, style="dim", highlight=False)
    console.print(
        "Scores rank the domains of one run by how much fine-tuning is expected to change them; they are not points of "
        "accuracy. In the lab larger scores went with rises; for real models this is not shown yet (docs/evidence.md).",
        style="dim",
    )
    if prediction.sae_fit:
        console.print(prediction.sae_fit.line, highlight=False)
    for warning in prediction.warnings:
        warn(console, f"Warning: {warning}")
    cost = prediction.cost
    spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in cost.seconds.items())
    console.print(f"Cost: {spent}; {cost.tokens:,} tokens in {cost.passes:,} partial forward passes.", highlight=False)


def scores_frame(prediction: Prediction) -> pd.DataFrame:
    """One row per domain and predictor: domain, predictor, score, standard_error (over questions and seeds)."""
    import pandas as pd

    rows = [
        (domain, one.name, score.value, score.se)
        for one in prediction.predictors
        for domain, score in one.scores.items()
    ]
    return pd.DataFrame(rows, columns=["domain", "predictor", "score", "standard_error"])


def score_table(prediction: Prediction, rank_by: str) -> Table:
    """Domains ranked by a score, each with its standard error, over questions and seeds."""
    n_seeds = len(prediction.shifts)
    errors = "±standard error over questions"
    errors = f"mean of {n_seeds} seeds {errors} and seeds" if n_seeds > 1 else errors
    wanted = prediction.experiment.settings.domain_shots
    cut = any(sum(domain.seen) > sum(domain.seen[wanted:]) for domain in prediction.domains)
    order = [rank_by, *(name for name in SCORES if name != rank_by)]
    scores = {name: prediction.predictor(name).scores for name in SCORES}
    highest = max(score.value for score in scores[rank_by].values())
    table = text_table(
        f"{tuned_on(prediction.model.id, prediction.training_set.source, 'if tuned on')}: predicted impact ({errors})",
        ["#", "domain", *(NAMES[name] for name in order), "", "questions", *[f"shown (of {wanted})"] * cut],
        left=("domain", ""),
    )
    values = [score.value for score in scores[rank_by].values()]
    if _alike(values):
        table.caption = f"{NAMES[rank_by]} is the same in all domains, so none is ranked before another."
    for domain in prediction.ranked(rank_by):
        value = scores[rank_by][domain.domain].value
        bar = "█" * max(0, round(BAR * value / highest)) if highest > 0 else ""
        cells = [_score(scores[name][domain.domain]) for name in order]
        shown = [_shown(domain)] * cut
        table.add_row(
            rank_among(value, values), escape(domain.domain), *cells, f"[cyan]{bar}[/]", str(domain.n_questions), *shown
        )
    return table


def rank_among(value: float, values: Sequence[float]) -> str:
    """The place of a score, highest first; a shared one is marked by =, and there is none where all are equal."""
    if _alike(values):
        return "–"
    return f"{1 + sum(other > value for other in values)}{'=' * (values.count(value) > 1)}"


def _alike(values: Sequence[float]) -> bool:
    return len(values) > 1 and len(set(values)) == 1


def _shown(domain: DomainQuestions) -> str:
    """How many demonstrations a domain's readings saw: their mean, and the fewest and most."""
    met = [count for count, readings in enumerate(domain.seen) if readings]
    if not met:
        return "–"
    mean = sum(count * readings for count, readings in enumerate(domain.seen)) / sum(domain.seen)
    return f"{mean:.1f} ({met[0]}–{met[-1]})" if len(met) > 1 else str(met[0])


def robust_agreement(prediction: Prediction) -> str:
    """How far STS's scores rank the domains as their robust variants do; empty where these were not computed."""
    scores = prediction.by_predictor()
    ranks = [
        f"{NAMES[name]} {_rank_correlation(scores[robust], scores[name])}"
        for name, robust in ROBUST.items()
        if robust in scores
    ]
    rule = "no attention sinks, 20% trimmed mean over questions"
    return f"Rank correlation with the robust variant ({rule}): {', '.join(ranks)}." if ranks else ""


def reason_table(prediction: Prediction, rank_by: str) -> Table:
    """The most shifted features: their share of the first domain's score, and in older records what fires them."""
    leading = prediction.ranked(rank_by)[0].domain
    shift = prediction.shifts[0]
    meant = {one.feature: one for one in prediction.meanings.features} if prediction.meanings else {}
    linked = any(reason.neuronpedia for reason in prediction.reasons)
    rows = []
    for reason in prediction.reasons[:REASONS]:
        shares = reason.share_of_act if rank_by == "sts_act" else reason.share_of_icl
        most = max(shares, key=lambda domain: shares[domain])
        row = [str(reason.feature), f"{reason.shift:.3g}", f"{shares[leading]:.1%}", f"{most} {shares[most]:.1%}"]
        row.append(fires_on(reason, meant.get(reason.feature)))
        rows.append([*row, reason.neuronpedia or ""] if linked else row)
    header = ["feature", "shift", f"share of {leading}", "leans on it most", "fires on", *["Neuronpedia"] * linked]
    carried = f"the top {len(shift.features)} carry {shift.share_of_total:.0%} of all change"
    heading = f"Why: the features that demonstrations move most ({carried})"
    return text_table(heading, header, rows, left=header[3:], fold=header[4:])


def fires_on(reason: FeatureReason, meaning: FeatureMeaning | None) -> str:
    """Where a feature fires most: an excerpt, or in older records tokens."""
    if meaning is not None:
        return excerpt_line(meaning.excerpts[0]) if meaning.excerpts else "(nothing that was read)"
    tokens = dict.fromkeys(firing.token.replace("\n", "↵").strip() or "␣" for firing in reason.firings)
    return "  ".join(tokens) or "(not noted)"


def predictor_table(prediction: Prediction) -> Table:
    """One line per predictor beside STS; the scores of every domain are in the record."""
    sts = prediction.predictor("sts_icl").values
    rows = []
    for one in prediction.others:
        values = one.values
        most, least = _expected(values)
        seconds = f"{one.cost.seconds:.1f}" if one.cost else "–"
        rows.append([one.name, " ".join(one.flags), most, least, _rank_correlation(values, sts), seconds])
    header = ("predictor", "flags", "expects most", "expects least", "rank r with STS_ICL", "seconds")
    heading = "Other predictors on the same questions (scores by domain: in the record)"
    return text_table(heading, header, rows, left=header[:4], fold=header)


def _expected(values: Mapping[str, float]) -> tuple[str, str]:
    """The domains with the highest and the lowest scores. Domains of equal score are counted, not named."""
    if not values:
        return "(undefined)", ""
    if len(set(values.values())) == 1:
        return SAME, "–"
    order = sorted(values, key=lambda domain: -values[domain])
    lowest = order[-NAMED:]
    return _named(values, order[:NAMED], edge=order[NAMED - 1]), _named(values, lowest, edge=lowest[0])


def _named(values: Mapping[str, float], chosen: Sequence[str], *, edge: str) -> str:
    """Names at one end; those at its edge are only counted where more domains have their score than are named."""
    tied = [domain for domain in values if values[domain] == values[edge]]
    if set(tied) <= set(chosen):
        return ", ".join(chosen)
    return ", ".join([*(domain for domain in chosen if domain not in tied), f"{len(tied)} alike"])


def scores_figure(prediction: Prediction, score: str) -> Figure:
    """A score per domain as bars with standard errors, highest on top."""
    from sts_eval.reporting.picture import Picture

    names = [domain.domain for domain in prediction.ranked(score)[::-1]]
    found = [prediction.predictor(score).scores[name] for name in names]
    figure = Picture(figsize=(7, 0.32 * len(names) + 1.2), layout="constrained")
    axes = figure.subplots()
    errors = [one.se or 0.0 for one in found]
    axes.barh(names, [one.value for one in found], xerr=errors, color="#3b78a8", ecolor="#333333", capsize=2)
    axes.set_xlabel(f"{NAMES[score]} (bars: standard error over questions)")
    axes.set_title(f"{tuned_on(prediction.model.id, prediction.training_set.source, 'if tuned on')}: predicted impact")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_scores(prediction: Prediction, score: str, path: Path) -> None:
    """Draw a score per domain into a file.

    Raises:
        UserError: The path's ending names no image format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        scores_figure(prediction, score).savefig(path, dpi=150)
    except ValueError as error:
        raise UserError(f"{path} names no image format", "End it in .png, .pdf or .svg") from error


def _rank_correlation(values: Mapping[str, float], sts: Mapping[str, float]) -> str:
    r = rank_correlation(values, sts)
    return "–" if r is None else signed(r)


def _score(score: Score) -> str:
    return f"{score.value:.4g}" + (f" ±{score.se:.2g}" if score.se is not None else "")


def tuned_on(model: str, training_set: str, verb: str = "tuned on") -> str:
    """What is tuned on what, by the last part of a path or hub id, which is what people call it."""
    return f" {verb} ".join(name.rstrip("/").rsplit("/", 1)[-1] for name in (model, training_set))
