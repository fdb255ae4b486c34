"""What each arm of an experiment did to every domain, and whether one is better than equal shares.

All arms answer the same questions after tunings with the same seeds, so two arms are compared question by question and
seed by seed (`statistics.seeds`). What is tested is the mean change of the protected domains, each with the same
weight. With m arms beside the equal one, intervals of this difference have the level 1 - 0.05/m (Bonferroni), so that
the chance of calling any arm better that is not stays below 5%.

The worst domain is named but not tested: the smallest of many noisy changes lies below the true smallest one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sts_eval.errors import UserError
from sts_eval.mixture.verdict import conclusions
from sts_eval.mixture.weights import EQUAL
from sts_eval.records.arm_comparison import ArmComparison, ArmMeasure, ArmResult, DomainOfArm, Estimate
from sts_eval.records.mixture import ARMS_RECORD, NONE, SWEEP_FILE, SWEEP_FOLDER, Arms
from sts_eval.records.record import now
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import DomainAnswers, Transfer
from sts_eval.statistics import change_over_domains
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.result import Floats
from sts_eval.sweeps.matrix import read_matrix

ERROR_RATE = 0.05  # chance of calling any arm better that is not


class Sides(NamedTuple):
    """A domain's questions before and after, with a value for every question."""

    before: Floats  # shape (n,)
    after: Floats  # shape (n_seeds, n)


Answers = Mapping[str, Sides]  # by domain


def compare_arms(folder: Path, measure: ArmMeasure = "accuracy") -> ArmComparison:
    """Compare the arms of a folder that `sts-eval mix --verify` wrote, by what its sweep has measured.

    Raises:
        UserError: The folder holds no arms, the arm of equal shares or every other one has no result, arms were scored
            on different questions or seeds, or the answers have no such measure.
    """
    arms = Arms.read(folder / ARMS_RECORD)
    matrix = read_matrix(folder / SWEEP_FILE)
    runs = {Path(run.training_set.source).name: name for name, run in matrix.expand()}
    transfers: dict[str, Transfer] = {}
    missing = dict(arms.not_made)
    for arm in arms.arms:
        place = RunFolder.of_sweep(folder / SWEEP_FOLDER, runs.get(arm.file, arm.file))
        if place.report.is_file():
            transfers[arm.name] = place.record_named(Transfer, Report.read(place.report).transfer_sha256)
        else:
            missing[arm.name] = "no report yet"
    if EQUAL not in transfers or len(transfers) == 1:
        raise UserError(
            f"{folder} has results of {len(transfers)} arms ({', '.join(transfers)}); {EQUAL} and another are needed",
            f"Run sts-eval sweep {folder / SWEEP_FILE} --folder {folder / SWEEP_FOLDER}",
        )
    _check_alike(transfers)
    answers = {name: _answers(transfer, measure) for name, transfer in transfers.items()}
    seeds = transfers[EQUAL].seeds
    added = {arm.name: arm for arm in arms.arms}
    results = tuple(
        results_of(name, answers, arms.protected, arms.target, added=added[name].added, oracle=added[name].oracle)
        for name in answers
    )
    recommended, said = conclusions(results, seeds, measure)
    return ArmComparison(
        created=now(),
        arms_sha256=arms.sha256(),
        transfer_sha256={name: transfer.sha256() for name, transfer in transfers.items()},
        measure=measure,
        seeds=seeds,
        protected=arms.protected,
        target=arms.target,
        results=results,
        missing=missing,
        recommended=recommended,
        conclusions=said,
    )


def results_of(
    name: str,
    answers: Mapping[str, Answers],
    protected: Sequence[str],
    target: Sequence[str],
    *,
    added: int,
    oracle: bool,
) -> ArmResult:
    """The figures of one arm from the answers of all, by arm and domain."""
    own, equal, alone = answers[name], answers[EQUAL], answers.get(NONE)
    corrected = 1 - ERROR_RATE / max(1, len(answers) - 1)
    domains = tuple(
        DomainOfArm(
            domain=domain,
            n=len(sides.before),
            change=_change(own, [domain]),
            from_equal=None if name == EQUAL else _difference(own, equal, [domain]),
        )
        for domain, sides in own.items()
    )
    watched = [domain for domain in own if domain in protected]
    made_for = [domain for domain in own if domain in target]
    return ArmResult(
        name=name,
        added=added,
        oracle=oracle,
        domains=domains,
        worst=min(domains, key=lambda one: one.change.value).domain,
        mean=_change(own, watched),
        from_equal=None if name == EQUAL else _difference(own, equal, watched, corrected),
        from_none=_difference(own, alone, watched) if alone is not None and name != NONE else None,
        target=_change(own, made_for) if made_for else None,
        cost=_difference(own, alone, made_for) if made_for and alone is not None and name != NONE else None,
    )


def _change(own: Answers, domains: Sequence[str]) -> Estimate:
    return _estimate([(own[name].before, own[name].after) for name in domains])


def _difference(own: Answers, other: Answers, domains: Sequence[str], level: float = 0.95) -> Estimate:
    return _estimate([(other[name].after, own[name].after) for name in domains], level)


def _estimate(pairs: Sequence[tuple[Floats, Floats]], level: float = 0.95) -> Estimate:
    found = change_over_domains(pairs, level=level)
    ends = (None, None) if found.interval is None else (found.interval.low, found.interval.high)
    se = found.item_se if found.se is None else found.se
    return Estimate(value=found.delta, se=se, low=ends[0], high=ends[1], level=level)


def _answers(transfer: Transfer, measure: ArmMeasure) -> dict[str, Sides]:
    return {table.domain: _sides(table, measure) for table in transfer.answers}


def _sides(table: DomainAnswers, measure: ArmMeasure) -> Sides:
    if len(table.question_ids) == 1:
        raise UserError(
            f"{table.domain} has one question, which gives no standard error", "Raise measure.max_questions"
        )
    if measure == "accuracy":
        before, *after = (POINTS * np.array(one.right, dtype=np.float64) for one in (table.before, *table.after))
        return Sides(before, np.array(after))
    columns = [one.logprob for one in (table.before, *table.after)]
    if any(column is None for column in columns):
        raise UserError(f"the answers to {table.domain} have no log-probabilities", "Compare with --measure accuracy")
    before, *after = (np.array(column, dtype=np.float64) for column in columns)
    return Sides(before, np.array(after))


def _check_alike(transfers: Mapping[str, Transfer]) -> None:
    """Refuse arms that were not scored on the same questions after tunings with the same seeds."""
    first_name, *others = transfers
    first = transfers[first_name]
    for name in others:
        one = transfers[name]
        asked, also = ({table.domain: table.question_ids for table in each.answers} for each in (first, one))
        if one.seeds != first.seeds:
            what = f"seeds {', '.join(map(str, first.seeds))} and {', '.join(map(str, one.seeds))}"
        elif asked != also:
            what = "other questions"
        else:
            continue
        raise UserError(
            f"arms {first_name} and {name} cannot be paired: they have {what}", "Run the sweep of this folder again"
        )
