"""Tables of a set of runs as blocks of Markdown, and documents whose marked blocks are renewed.

A block stands between the markers `<!-- generated: NAME -->` and `<!-- end -->`. The sentences around them are written
by hand. lab_evidence.py and real_evidence.py say which blocks there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sts_eval.analysis.wording import MEASURES, QUESTIONS, counted, interval, p_value, signed
from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import SET_BY_DOMAIN, Comparison, Measure, Question, Row
from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.record import write_atomically
from sts_eval.reporting import comparison as view
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.question_columns import ceiling_text, pairs_cell

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

ASKED: tuple[Question, ...] = ("how_much", "which_way", "which_way_away", "which_set", "which_set_away")

LEADING = 6
"""Ranked predictors shown besides STS."""

STS = ("sts_icl", "sts_act", "sts_notebook")


def renew(documents: Sequence[Path], blocks: Mapping[str, str]) -> None:
    """Rewrite the blocks of some documents."""
    for document in documents:
        write_atomically(document, filled(document.read_text(encoding="utf-8"), blocks))
        print(f"Written: {document}")


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """A document with its blocks renewed; a marker without a block stays as it is."""

    def renew(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- generated: {name} -->\n{blocks[name]}\n<!-- end -->" if name in blocks else match.group(0)

    return re.sub(r"<!-- generated: ([^>]+?) -->\n.*?<!-- end -->", renew, text, flags=re.DOTALL)


def runs(outcomes: Sequence[Outcome], comparison: Comparison) -> str:
    """What was run, and how much it is worth."""
    effective = ", ".join(f"{found:.1f} by {MEASURES[name]}" for name, found in comparison.effective_runs.items())
    models = list(dict.fromkeys(outcome.model for outcome in outcomes))
    sets = list(dict.fromkeys(outcome.training_set for outcome in outcomes))
    first = outcomes[0]
    questions = sorted({domain.n for outcome in outcomes for domain in outcome.domains})
    oracles = sum(one.group == "oracle" for one in first.predictors)
    span = " to ".join(map(str, dict.fromkeys((questions[0], questions[-1]))))
    return (
        f"{len(outcomes)} runs: {counted(len(models), 'model')} ({', '.join(models)}) on {len(sets)} training sets "
        f"({', '.join(sets)}), {counted(len(first.seeds), 'seed')} each, {len(first.domains)} categories with {span} "
        f"held-out questions each, {len(first.predictors) - oracles} predictors and {oracles} oracles. The runs "
        f"resemble each other, so they tell only as much as fewer independent runs would: {effective}."
    )


def changes(outcomes: Sequence[Outcome], measure: Measure = "accuracy") -> str:
    """Mean change over models, category by set, home categories in bold; points to one decimal, nats to two."""
    digits = 1 if measure in ("accuracy", "acc_norm") else 2
    sets = list(dict.fromkeys(outcome.training_set for outcome in outcomes))
    lines = ["| category | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for domain in [one.domain for one in outcomes[0].domains]:
        cells = []
        for name in sets:
            mine = [outcome for outcome in outcomes if outcome.training_set == name]
            found = [_change(one, measure) for outcome in mine for one in outcome.domains if one.domain == domain]
            se = np.sqrt(sum(change.se**2 for change in found)) / len(found)
            cell = f"{np.mean([change.delta for change in found]):+.{digits}f} ± {se:.{digits}f}"
            cells.append(f"**{cell}**" if domain in mine[0].home else cell)
        lines.append(f"| {domain} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _change(domain: DomainOutcome, measure: Measure) -> Change:
    found: Change | None = getattr(domain, measure)
    if found is None:
        raise LookupError(f"{domain.domain} has no {measure}")
    return found


def ceilings(comparison: Comparison, by: Sequence[Measure]) -> str:
    """How high r could go, by these measures."""
    lines = [f"| question | {' | '.join(MEASURES[one] for one in by)} |", "|---" * (len(by) + 1) + "|"]
    for question in ASKED:
        cells = []
        for measure in by:
            table = comparison.table(question, measure)
            cells.append("–" if table is None else ceiling_text(table))
        lines.append(f"| {QUESTIONS[question]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ranking(comparison: Comparison, question: Question, measure: Measure) -> str:
    """The leading predictors, STS, history and oracles of one question."""
    table = comparison.table(question, measure)
    if table is None:
        return "These runs cannot answer it."
    ranked = table.standing("ranked")
    shown = [row for place, row in enumerate(ranked) if place < LEADING or row.name in STS]
    rows = [*shown, *table.standing("history"), *table.standing("oracle")]
    fourth = "4+4" if question == "how_much" else "better set found" if question in SET_BY_DOMAIN else "Spearman"
    lines = [
        f"{QUESTIONS[question]}, {MEASURES[measure]}; ceiling {ceiling_text(table)}, {len(ranked)} ranked predictors.",
        "",
        f"| rank | predictor | r | 95% | {fourth} | p of max r | over other sets | beyond STS_ICL | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(row, question) for row in rows)])


def _row(row: Row, question: Question) -> str:
    others = row.other_sets
    fourth = signed(row.extremes) if question == "how_much" else signed(row.spearman)
    if row.pairs_right is not None:
        fourth = pairs_cell(row.pairs_right)
    rank = str(row.rank) if row.rank else row.standing
    beyond = row.from_reference
    cells = [
        rank,
        f"`{row.name}` {' '.join(row.flags)}".strip(),
        signed(row.r),
        interval(row.bootstrap),
        fourth,
        p_value(row.p_permutation),
        f"{signed(others.difference)} {interval(others.interval)}" if others else "–",
        f"{signed(beyond.difference)} {interval(beyond.interval)}" if beyond else "–",
        f"{row.cost.seconds:.1f}" if row.cost else "–",
    ]
    return f"| {' | '.join(cells)} |"


def headline(comparison: Comparison, measure: Measure) -> str:
    """The table that a comparison begins with."""
    return "\n".join(pipe_table(*view.headline(comparison, measure))).strip()


def added(comparison: Comparison) -> str:
    """What is added to history: STS and the three that add most, by question, measure and history."""
    lines = [
        "| question | measure | history | predictor | partial r | p (permutation) | "
        "held-out error: history itself; line without → with |",
        "|---|---|---|---|---|---|---|",
    ]
    for table in comparison.added:
        named = [row for row in table.rows if row.standing == "ranked"]
        by = MEASURES[table.history_measure or table.measure]
        history = f"`{table.history}`, {counted(table.n_history or 0, 'noisy run')} by {by}"
        for row in dict.fromkeys([*named[:3], *(one for one in named if one.name in STS[:2])]):
            lines.append(
                f"| {QUESTIONS[table.question]} | {MEASURES[table.measure]} | {history} | `{row.name}` | "
                f"{signed(row.partial_r)} {interval(row.interval)} | {p_value(row.p_permutation)} | "
                f"{_error(row.rmse_plain)}; {_error(row.rmse_without)} → {_error(row.rmse_with)} |"
            )
    return "\n".join(lines)


def _error(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def points(calibration: Calibration) -> str:
    """Error of the calibrated scores on runs that were left out."""
    lines = [
        "| left out | RMSE | MAE | skill against zero | against run's mean | against domain's mean | "
        "against mean on the same set (its RMSE) | coverage |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in calibration.hold_outs:
        if one.rmse is None or one.mae is None:
            lines.append(f"| {one.by} | {one.too_little} | | | | | | |")
            continue
        skills = (one.skill_zero, one.skill_run_mean, one.skill_domain_mean)
        covered = ", ".join(
            f"{level.level:.0%}: {level.share:.0%} [{level.share_low:.0%}, {level.share_high:.0%}]"
            for level in one.levels
            if level.share is not None
        )
        figures = " | ".join("–" if skill is None else f"{skill:+.2f}" for skill in skills)
        same_set = "–"
        if one.skill_same_set is not None and one.rmse_same_set is not None:
            same_set = f"{one.skill_same_set:+.2f} ({one.rmse_same_set:.2f})"
        lines.append(f"| {one.by} | {one.rmse:.2f} | {one.mae:.2f} | {figures} | {same_set} | {covered or '–'} |")
    chosen = {name: count for one in calibration.hold_outs for name, count in one.selected.items()}
    lines += ["", f"Predictors chosen inside the folds: {', '.join(f'`{name}`' for name in chosen) or 'none'}."]
    return "\n".join(lines)
